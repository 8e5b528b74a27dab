import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { holmes } from '../../src/demo/mock-entra/directory.ts'
import { resourceConfig } from '../support/gateway.ts'
import { send } from '../support/raw-http.ts'
import { startInMode } from '../support/sign-in-modes.ts'

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

test('relay: the page tells HolmesGPT the values it cannot discover, for each resource', async (t) => {
  const internal = 'rolecall.holmes.svc:8080'
  const gateway = await startInMode(t, 'relay', { ...two, config: { internal_hosts: [internal] } })
  const page = await send(`${gateway.origin}/`)
  assert.equal(page.status, 200)
  const shown = /<pre>(mcp_servers:[^<]*)<\/pre>/.exec(page.text)?.[1] ?? ''
  const oauth = { enabled: true, client_id: holmes.client_id, resource: '' }
  assert.deepEqual(parse(plain(shown)), {
    mcp_servers: {
      prod: { config: { mode: 'streamable-http', url: `${gateway.origin}/mcp`, oauth } },
      dev: { config: { mode: 'streamable-http', url: `${gateway.origin}/team/dev`, oauth } },
    },
  })
  assert.ok(!page.text.includes(holmes.client_secret ?? 'no secret'))
  assert.ok(!page.text.includes(internal))
  assert.ok(!page.text.includes('<b>'))
  assert.doesNotMatch(page.text, /<script/)
})

test('off: the page says nothing of HolmesGPT, which signs in at the provider by itself', async (t) => {
  const gateway = await startInMode(t, 'off', two)
  assert.doesNotMatch((await send(`${gateway.origin}/`)).text, /HolmesGPT/)
})
