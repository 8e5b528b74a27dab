import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import type { BrokerConfig } from '../../../src/config/config.ts'
import { holmes } from '../../environment/mock-entra/directory.ts'
import { resourceConfig } from '../../support/gateway.ts'
import { send } from '../../support/raw-http.ts'
import { startRelay } from '../../support/relay-gateway.ts'
import { broker, MODES, startInMode } from '../../support/sign-in-modes.ts'

const NOWHERE = 'http://127.0.0.1:9/mcp'
const two = {
  resources: [
    resourceConfig(NOWHERE),
    resourceConfig(NOWHERE, { name: 'dev', path: '/team/dev', audiences: ['<b>&'] }),
  ],
}

function plain(html: string): string {
  const entities: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' }
  return html.replace(/&(lt|gt|quot|#39|amp);/g, (_all, name: string) => entities[name] ?? '')
}

/** Everything that is there to be copied. */
function linesOn(html: string): readonly string[] {
  return [...html.matchAll(/<pre>([^<]*)<\/pre>/g)].map(([, lines = '']) => plain(lines))
}

/** The configurations of clients among the lines. */
function configurationsOn(html: string): readonly unknown[] {
  return linesOn(html)
    .filter((lines) => lines.startsWith('{'))
    .map((lines) => JSON.parse(lines) as unknown)
}

function holmesOn(html: string): unknown {
  return parse(linesOn(html).find((lines) => lines.startsWith('mcp_servers:')) ?? '')
}

for (const mode of MODES) {
  test(`${mode}: the page is there for everybody, says where each resource is, and escapes what it shows`, async (t) => {
    const internal = 'rolecall.holmes.svc:8080'
    const gateway = await startInMode(t, mode, { ...two, config: { internal_hosts: [internal] } })
    const page = await send(`${gateway.origin}/`, { headers: [['Host', 'whatever.example']] })
    assert.equal(page.status, 200)
    const lines = linesOn(page.text)
    assert.ok(lines.includes(`${gateway.origin}/mcp`))
    assert.ok(lines.includes(`${gateway.origin}/team/dev`))
    assert.ok(!page.text.includes(holmes.client_secret ?? 'no secret'))
    assert.ok(!page.text.includes(internal))
    assert.ok(!page.text.includes('whatever.example'))
    assert.doesNotMatch(page.text, /<b>|<script/)
  })
}

test('relay: the page tells HolmesGPT the values it cannot discover, for each resource', async (t) => {
  const gateway = await startInMode(t, 'relay', two)
  const page = await send(`${gateway.origin}/`)
  const oauth = { enabled: true, client_id: holmes.client_id, resource: '' }
  assert.deepEqual(holmesOn(page.text), {
    mcp_servers: {
      prod: { config: { mode: 'streamable-http', url: `${gateway.origin}/mcp`, oauth } },
      dev: { config: { mode: 'streamable-http', url: `${gateway.origin}/team/dev`, oauth } },
    },
  })
})

test('off: the page says nothing of HolmesGPT, which signs in at the provider by itself', async (t) => {
  const gateway = await startInMode(t, 'off', two)
  assert.doesNotMatch((await send(`${gateway.origin}/`)).text, /HolmesGPT/)
})

for (const mode of ['off', 'relay'] as const) {
  test(`${mode}: every client is connected with a bearer token, for the audience that is told`, async (t) => {
    const gateway = await startInMode(t, mode)
    const { text } = await send(`${gateway.origin}/`)
    const url = `${gateway.origin}/mcp`
    const header = '--header "Authorization: Bearer $TOKEN"'
    const lines = linesOn(text)
    for (const line of [
      `claude mcp add --transport http prod ${url} ${header}`,
      `codex mcp add prod --url ${url} --bearer-token-env-var TOKEN`,
      `gemini mcp add --scope user --transport http prod ${url} ${header}`,
      `npx @modelcontextprotocol/inspector@2 --cli ${url} --transport http --method tools/list ${header}`,
    ]) {
      assert.ok(lines.includes(line), line)
    }
    const remote = ['-y', 'mcp-remote', url, '--header', `Authorization:$${'{AUTHORIZATION}'}`]
    const env = { AUTHORIZATION: 'Bearer <your access token>' }
    const headers = { Authorization: `Bearer $${'{input:token}'}` }
    const input = { type: 'promptString', id: 'token', description: 'Access token', password: true }
    assert.deepEqual(configurationsOn(text), [
      { inputs: [input], servers: { prod: { type: 'http', url, headers } } },
      { mcpServers: { prod: { command: 'npx', args: remote, env } } },
    ])
    assert.match(text, /for audience <code>6dae42f8-4368-4678-94ff-3960e28e3630<\/code>/)
    assert.doesNotMatch(text, /client_id=rolecall/)
  })
}

test('relay that hands out sealed tokens says that it takes no others', async (t) => {
  const gateway = await startRelay(t, { signIn: { tokens: 'sealed' } })
  const { text } = await send(`${gateway.origin}/`)
  assert.match(text, /takes only the tokens that this server hands out/)
  assert.doesNotMatch(text, /\$TOKEN/)
})

test('broker: the URL is all that a client is told, and people can see who they are', async (t) => {
  const gateway = await startInMode(t, 'broker', two)
  const { text } = await send(`${gateway.origin}/`)
  const url = `${gateway.origin}/team/dev`
  const lines = linesOn(text)
  for (const line of [
    `claude mcp add --transport http dev ${url}`,
    `codex mcp add dev --url ${url}`,
    `gemini mcp add --scope user --transport http dev ${url}`,
    `npx @modelcontextprotocol/inspector@2 --cli ${url} --transport http --method tools/list`,
  ]) {
    assert.ok(lines.includes(line), line)
  }
  assert.deepEqual(configurationsOn(text).slice(3), [
    { servers: { dev: { type: 'http', url } } },
    { mcpServers: { dev: { url } } },
    { mcpServers: { dev: { command: 'npx', args: ['-y', 'mcp-remote', url] } } },
  ])
  assert.doesNotMatch(lines.join(), /Bearer|TOKEN/)
  assert.ok(text.includes(`href="${gateway.origin}/oauth/authorize?client_id=rolecall"`))
})

async function brokerPage(
  t: Parameters<typeof startInMode>[0],
  over: Partial<BrokerConfig>,
): Promise<string> {
  const gateway = await startInMode(t, { ...broker, ...over })
  return (await send(`${gateway.origin}/`)).text
}

test('broker: a client whose redirect URI is not allowed is told which preset is missing', async (t) => {
  const [loopback, presets] = await Promise.all([
    brokerPage(t, {}),
    brokerPage(t, { redirect_uris: ['loopback', 'cursor', 'robusta'] }),
  ])
  const missing = [...loopback.matchAll(/has to add <code>"(\w+)"/g)]
  assert.deepEqual(
    missing.map(([, preset]) => preset),
    ['cursor', 'robusta'],
  )
  assert.doesNotMatch(presets, /has to add/)
})

test('broker: HolmesGPT registers itself, or is the client of the configuration', async (t) => {
  const client = { client_id: 'holmes', redirect_uris: ['robusta'], skip_consent: false }
  const [itself, named] = await Promise.all([
    brokerPage(t, {}),
    brokerPage(t, { clients: [{ ...client, client_id: 'other', client_secret: 's' }, client] }),
  ])
  assert.match(JSON.stringify(holmesOn(itself)), /"oauth":\{"enabled":true\}/)
  assert.match(JSON.stringify(holmesOn(named)), /"oauth":\{"enabled":true,"client_id":"holmes"\}/)
  assert.doesNotMatch(named, /has to add <code>"robusta/)
})

test('broker: where clients cannot register themselves the page says whom to ask', async (t) => {
  assert.match(await brokerPage(t, { registration: false }), /ask the operator of this server/)
  assert.doesNotMatch(await brokerPage(t, {}), /ask the operator of this server/)
})
