import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clientRedirect } from '../../support/broker-client.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import { authorizeUrl, endpoint, state, toCallback } from '../../support/broker-sign-in.ts'
import { assertPage, assertTold } from '../../support/browser-answers.ts'

const markup = `"><img src=x onerror=alert(1)><script>alert('markup')</script>\r\n\0\u202e`

interface Refused {
  /** As Entra sends it. */
  readonly error: string
  readonly code?: number
  /** As the client gets it. */
  readonly told: string
  readonly words: RegExp
  readonly whose: 'user' | 'administrator' | 'operator' | 'nobody'
}

const refusals: readonly Refused[] = [
  {
    error: 'access_denied',
    code: 65004,
    told: 'access_denied',
    words: /Consent was declined/,
    whose: 'user',
  },
  {
    error: 'access_denied',
    code: 90094,
    told: 'access_denied',
    words: /grant admin consent/i,
    whose: 'administrator',
  },
  {
    error: 'interaction_required',
    code: 50076,
    told: 'interaction_required',
    words: /second factor/,
    whose: 'user',
  },
  {
    error: 'interaction_required',
    code: 53003,
    told: 'interaction_required',
    words: /Conditional Access/,
    whose: 'administrator',
  },
  {
    error: 'login_required',
    code: 50058,
    told: 'login_required',
    words: /told not to ask/,
    whose: 'user',
  },
  {
    error: 'invalid_grant',
    code: 50105,
    told: 'server_error',
    words: /not assigned to the app/,
    whose: 'administrator',
  },
  {
    error: 'invalid_grant',
    code: 50034,
    told: 'server_error',
    words: /not in the tenant/,
    whose: 'user',
  },
  {
    error: 'invalid_client',
    code: 650053,
    told: 'server_error',
    words: /write request_scopes in full/i,
    whose: 'operator',
  },
  {
    error: 'invalid_target',
    code: 9010010,
    told: 'server_error',
    words: /resource/,
    whose: 'operator',
  },
  {
    error: 'temporarily_unavailable',
    code: 90033,
    told: 'temporarily_unavailable',
    words: /passing fault/,
    whose: 'nobody',
  },
  { error: 'access_denied', told: 'access_denied', words: /Access was denied/, whose: 'user' },
  {
    error: 'invalid_scope',
    told: 'server_error',
    words: /does not give out these scopes/,
    whose: 'operator',
  },
  { error: 'server_error', told: 'server_error', words: /passing fault/, whose: 'nobody' },
  { error: 'quite_new', told: 'server_error', words: /refused with quite_new/, whose: 'user' },
  { error: markup, told: 'server_error', words: /refused with unnamed_error/, whose: 'user' },
]

const inOneLine: Readonly<Record<Refused['whose'], RegExp>> = {
  user: /What you can do: /,
  administrator: /For the (tenant|provider)'s administrator: /,
  operator: /For the operator of rolecall: /,
  nobody: /This passes by itself: /,
}
const onThePage: Readonly<Record<Refused['whose'], RegExp>> = {
  user: /Yours\./,
  administrator: /administrator/,
  operator: /whoever operates this server/,
  nobody: /passes by itself/,
}

/** A rolecall, and a browser that the provider sends back with an error of its own. */
async function start(t: TestContext) {
  const broker = await startBroker(t, { config: { log_level: 'trace' } })
  const { gateway, browser } = broker
  return {
    gateway,
    async refused(url: string, { error, code }: Pick<Refused, 'error' | 'code'>) {
      const back = await toCallback(broker, url)
      const number = code === undefined ? '' : `AADSTS${code}: `
      back.searchParams.delete('code')
      back.searchParams.set('error', error)
      back.searchParams.set('error_description', `${number}${markup} Trace ID: ${markup}`)
      back.searchParams.set('error_uri', 'https://evil.example/?code=50034')
      return browser.get(back.href)
    },
  }
}

test('the client is told what happened and whose job it is, in our words alone', async (t) => {
  const { gateway, refused } = await start(t)
  const client = { at: clientRedirect, state, iss: gateway.origin }
  for (const row of refusals) {
    const { error, code, told, words, whose } = row
    await t.test(`${code ?? error.slice(0, 20)}`, async () => {
      const answer = await refused(authorizeUrl(gateway), row)
      const location = decodeURIComponent(answer.headers.get('location') ?? '')
      assert.doesNotMatch(location, /alert|Trace|evil/)
      assert.match(location.replaceAll('+', ' '), inOneLine[whose])
      if (code !== undefined) assert.ok(location.includes(`AADSTS${code}`))
      await assertTold(answer, client, [told, words])
    })
  }
})

test('on our own page a person is told the same in its parts, and no markup runs', async (t) => {
  const { gateway, refused } = await start(t)
  for (const row of refusals) {
    const { error, code, words, whose } = row
    await t.test(`${code ?? error.slice(0, 20)}`, async () => {
      const own = `${endpoint(gateway, 'authorize')}?client_id=rolecall`
      const text = await assertPage(await refused(own, row), 400, words)
      assert.match(text, onThePage[whose])
      assert.doesNotMatch(text, /alert|onerror|Trace|evil/)
      if (code !== undefined) assert.ok(text.includes(`AADSTS${code}`))
    })
  }
})

test('the log has the code of each, and nothing of what the provider wrote', async (t) => {
  const { gateway, refused } = await start(t)
  for (const row of refusals) await refused(authorizeUrl(gateway), row)
  const reasons = gateway.log.map(({ reason }) => String(reason))
  for (const { error, code } of refusals) {
    const named = error === markup ? 'unnamed_error' : error
    const reason = `provider_refused:${code === undefined ? named : `AADSTS${code}`}`
    assert.ok(reasons.includes(reason), reason)
  }
  assert.doesNotMatch(JSON.stringify(gateway.log), /alert|onerror|Trace ID|evil/)
})
