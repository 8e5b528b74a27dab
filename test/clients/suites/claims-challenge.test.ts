import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type OAuthDiscoveryState,
  UnauthorizedError,
} from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type {
  OAuthClientInformationMixed,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { Page } from 'playwright-core'
import { readJwt } from '../../../src/oauth/jwt.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { followScript, status, success } from '../../support/scripted-mcp.ts'
import { goOn, pressAtProvider } from '../support/broker-pages.ts'
import { OauthMemory } from '../support/oauth-memory.ts'
import { createPerson, type Person } from '../support/person.ts'
import { suiteBrowser } from '../support/suite-browser.ts'
import { watchedContext } from '../support/watched-context.ts'

const { skip, browser } = await suiteBrowser()

const demand = { access_token: { acrs: { essential: true, value: 'c1' } } }
const claims = Buffer.from(JSON.stringify(demand)).toString('base64')

/** Tools are only for those whose sign-in met the authentication context. */
const script = {
  call(credential = '') {
    const { acrs } = readJwt(credential.replace('Bearer ', ''))?.claims ?? {}
    if ([acrs].flat().includes('c1')) return success
    const challenge = `Bearer realm="", error="insufficient_claims", claims="${claims}"`
    return status(401, { 'www-authenticate': challenge })
  },
}

/** The address that {@link OauthMemory} is answered at. */
const CALLBACK = new URL('http://127.0.0.1:41597/callback')

/** Listens where the client is answered. */
async function listenForAnswers(t: TestContext): Promise<URL[]> {
  const answers: URL[] = []
  const server = createServer(({ url = '' }, response) => {
    answers.push(new URL(url, CALLBACK))
    response.end('back')
  })
  server.listen(Number(CALLBACK.port), CALLBACK.hostname)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return answers
}

/** Somebody at a real browser: every page is answered by a click. */
function personAt(page: Page, answers: readonly URL[], asked: (string | null)[]): Person {
  let signIns = 0
  page.on('request', (request) => {
    const { pathname, searchParams } = new URL(request.url())
    if (pathname.endsWith('/oauth2/v2.0/authorize')) asked.push(searchParams.get('claims'))
  })
  const signIn = async (url: string | URL): Promise<URL> => {
    signIns += 1
    await page.goto(String(url))
    await page.getByRole('button', { name: 'Allow' }).click()
    // The second time the provider knows who is in this browser, and asks for no account.
    if (signIns === 1) await pressAtProvider(page, /alice/i)
    await goOn(page)
    const state = new URL(url).searchParams.get('state')
    const find = () => answers.find(({ searchParams }) => searchParams.get('state') === state)
    for (let i = 0; i < 100 && !find(); i += 1) await delay(50)
    return find() ?? assert.fail('the browser did not come back')
  }
  return {
    username: 'alice',
    get signIns() {
      return signIns
    },
    signIn,
    signInAndReturn: async (url) => void (await signIn(url)),
  }
}

async function goesRound(t: TestContext, person: Person): Promise<void> {
  const upstream = await startUpstream(t)
  followScript(upstream, script)
  const { gateway } = await startBroker(t, { upstream: upstream.url })
  const memory = new OauthMemory<OAuthClientInformationMixed, OAuthTokens, OAuthDiscoveryState>(
    person,
  )
  const client = new Client({ name: 'rolecall-test', version: '1' })
  const open = () =>
    new StreamableHTTPClientTransport(new URL(gateway.url), { authProvider: memory })
  const connect = async () => {
    const transport = open()
    // The SDK's own class does not match its interface under exactOptionalPropertyTypes.
    await client.connect(transport as Transport)
    return transport
  }
  const first = open()
  await assert.rejects(client.connect(first as Transport), UnauthorizedError)
  await first.finishAuth(memory.answer.get('code') ?? '')
  const transport = await connect()
  gateway.entra.demand('alice', demand)
  // The call is refused, the refresh too, and the SDK sends its person to sign in again.
  const call = { name: 'namespaces_list', arguments: {} }
  await assert.rejects(client.callTool(call), UnauthorizedError)
  assert.equal(person.signIns, 2)
  await transport.finishAuth(memory.answer.get('code') ?? '')
  const { isError = false } = await client.callTool(call)
  assert.equal(isError, false)
  assert.equal(person.signIns, 2)
  await client.close()
}

test('a claims challenge goes round with the SDK that most clients are built on', async (t) => {
  await goesRound(t, createPerson('alice'))
})

test('the same with a person at Chromium, whom the provider is told what to ask', {
  skip,
}, async (t) => {
  const { context } = await watchedContext(t, browser(), { expected: /favicon/ })
  const asked: (string | null)[] = []
  await goesRound(t, personAt(await context.newPage(), await listenForAnswers(t), asked))
  assert.deepEqual(asked, [null, JSON.stringify(demand)])
})
