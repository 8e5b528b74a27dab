import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import type { BrokerConfig } from '../../../src/config/config.ts'
import { popupClientId } from '../../../src/sign-in/clients/popup-client.ts'
import { type Browser, createBrowser, signInAt } from '../../environment/browser.ts'
import { askForTokens } from '../../support/broker-client.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import { authorizeUrl } from '../../support/broker-sign-in.ts'
import { type Gateway, resourceConfig } from '../../support/gateway.ts'
import { MODES, startInMode, broker as withoutPopups } from '../../support/sign-in-modes.ts'

const UI = 'https://ui.example.com'
const OTHER = 'https://other.example.com'
const NOWHERE = 'http://127.0.0.1:9/mcp'
const verifier = 'a-code-verifier-that-is-long-enough-for-rfc-7636'
const challenge = createHash('sha256').update(verifier).digest('base64url')

function startWithPopup(t: TestContext, signIn: Partial<BrokerConfig> = {}) {
  return startBroker(t, { signIn: { popup_origins: [UI, OTHER], ...signIn } })
}

/** Where popup.js begins. */
function popupUrl({ origin }: Gateway, over: Readonly<Record<string, string>> = {}): string {
  const query = { origin: UI, state: 'the-state', code_challenge: challenge, ...over }
  return `${origin}/oauth/popup?${new URLSearchParams(query)}`
}

/** From the popup's start to its end. */
async function walk(
  gateway: Gateway,
  browser: Browser,
  visitor: Parameters<typeof signInAt>[2],
): Promise<Response> {
  const started = await browser.get(popupUrl(gateway))
  const end = await signInAt(browser, started.headers.get('location') ?? '', visitor)
  return browser.get(end.href)
}

/** What the popup posts, and to whom. */
async function postedBy(page: Response): Promise<{ origin: string; message: unknown }> {
  const html = await page.text()
  const [, origin = '', message = ''] =
    /data-origin="([^"]*)" data-message="([^"]*)"/.exec(html) ?? []
  return { origin, message: JSON.parse(message.replaceAll('&quot;', '"')) as unknown }
}

test('without popup_origins, and in every other mode, there is no popup', async (t) => {
  for (const mode of MODES) {
    const signIn = mode === 'broker' ? withoutPopups : mode
    const { origin } = await startInMode(t, signIn)
    for (const path of ['/oauth/popup', '/oauth/popup.js']) {
      const response = await fetch(origin + path)
      assert.equal(response.status, 404, `${mode} ${path}`)
      assert.match(response.headers.get('content-type') ?? '', /json/)
    }
  }
})

test('the popup begins at the authorize endpoint, for the resource that is named', async (t) => {
  const { gateway, browser } = await startBroker(t, {
    signIn: { popup_origins: [UI] },
    resources: [resourceConfig(NOWHERE), resourceConfig(NOWHERE, { name: 'dev', path: '/dev' })],
  })
  const redirect = `${gateway.origin}/oauth/popup?origin=${encodeURIComponent(UI)}`
  const cases = [
    [{}, '/oauth/authorize', '/mcp'],
    [{ resource: `${gateway.origin}/mcp` }, '/oauth/authorize', '/mcp'],
    [{ resource: `${gateway.origin}/dev/` }, '/oauth/dev/authorize', '/dev'],
  ] as const
  for (const [over, path, resource] of cases) {
    const response = await browser.get(popupUrl(gateway, over))
    assert.equal(response.status, 303)
    const location = new URL(response.headers.get('location') ?? '')
    assert.equal(location.origin + location.pathname, gateway.origin + path)
    assert.deepEqual(Object.fromEntries(location.searchParams), {
      response_type: 'code',
      client_id: `rolecall:${UI}`,
      redirect_uri: redirect,
      state: 'the-state',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      resource: gateway.origin + resource,
    })
  }
})

test('an origin that popup_origins does not name gets a page that says so, at start and at the end', async (t) => {
  const { gateway, browser } = await startWithPopup(t)
  for (const origin of [
    'https://evil.example',
    `${UI}.evil.example`,
    `${UI}/`,
    UI.toUpperCase(),
    `${UI}:443`,
    'null',
    '*',
    '',
  ]) {
    for (const over of [{}, { code: 'c', iss: gateway.origin }]) {
      const page = await browser.get(popupUrl(gateway, { origin, ...over }))
      assert.equal(page.status, 403, origin)
      const html = await page.text()
      assert.match(html, /sign_in\.popup_origins/)
      assert.doesNotMatch(html, /<script/)
    }
  }
})

test('what is missing, there twice or meant for no resource is refused on a page', async (t) => {
  const { gateway, browser } = await startWithPopup(t)
  const cases: readonly [string, number, RegExp][] = [
    [popupUrl(gateway, { state: '' }), 400, /parameter state/],
    [popupUrl(gateway, { code_challenge: '' }), 400, /parameter code_challenge/],
    [`${popupUrl(gateway)}&origin=${UI}`, 400, /twice/],
    [popupUrl(gateway, { resource: 'https://elsewhere.example/mcp' }), 400, /not served here/],
    [popupUrl(gateway, { code: '' }), 400, /parameter iss|parameter code/],
    [popupUrl(gateway, { code: 'c' }), 400, /parameter iss/],
    [popupUrl(gateway, { access_token: 't' }), 400, /access token/i],
  ]
  for (const [url, status, words] of cases) {
    const page = await browser.get(url)
    assert.equal(page.status, status, url)
    assert.match(await page.text(), words)
  }
  assert.equal((await browser.post(popupUrl(gateway), {})).status, 405)
})

test('the question names the web UI as who asks and as who gets the answer', async (t) => {
  const { gateway, browser } = await startWithPopup(t)
  const started = await browser.get(popupUrl(gateway))
  const html = await (await browser.get(started.headers.get('location') ?? '')).text()
  assert.match(html, /A web page asks to use/)
  assert.match(html, /value="allow" formtarget="_blank"/)
  assert.match(html, new RegExp(`A web page of <strong>${UI}</strong>`))
  assert.match(html, new RegExp(`class="host">${UI}</span>, the page that opened this window`))
  assert.doesNotMatch(html, /oauth\/popup/)
})

for (const issuerParameter of [true, false]) {
  test(`a sign-in ends with a code for the origin that began it, with iss also where issuer_parameter is ${issuerParameter}`, async (t) => {
    const { gateway, browser } = await startWithPopup(t, { issuer_parameter: issuerParameter })
    const page = await walk(gateway, browser, { username: 'alice' })
    assert.equal(page.status, 200)
    const { origin, message } = await postedBy(page)
    assert.equal(origin, UI)
    const { code, ...rest } = message as { readonly code: string }
    assert.deepEqual(rest, { type: 'rolecall', state: 'the-state', iss: gateway.origin })
    const form = { grant_type: 'authorization_code', code, code_verifier: verifier }
    const another = await askForTokens(gateway, { ...form, client_id: popupClientId(OTHER) })
    assert.equal(another.body['error'], 'invalid_grant')
    const tokens = await askForTokens(gateway, { ...form, client_id: popupClientId(UI) })
    assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
    const refreshing = {
      grant_type: 'refresh_token',
      refresh_token: String(tokens.body['refresh_token']),
    }
    const stolen = await askForTokens(gateway, { ...refreshing, client_id: popupClientId(OTHER) })
    assert.equal(stolen.body['error'], 'invalid_grant')
    const again = await askForTokens(gateway, { ...refreshing, client_id: popupClientId(UI) })
    assert.equal(again.status, 200)
  })
}

test('a person who denies, or whom the provider refuses, ends with the error for that origin', async (t) => {
  const { gateway } = await startWithPopup(t, { issuer_parameter: false })
  const page = await walk(gateway, createBrowser(), { username: 'alice', decision: 'deny' })
  assert.deepEqual(await postedBy(page), {
    origin: UI,
    message: {
      type: 'rolecall',
      state: 'the-state',
      error: 'access_denied',
      error_description: 'The person did not allow it.',
    },
  })
})

test('no other client may be answered at the popup, and it nowhere else', async (t) => {
  const { gateway, browser } = await startWithPopup(t)
  const popup = `${gateway.origin}/oauth/popup?origin=${encodeURIComponent(UI)}`
  const cases = [
    ['holmes', popup],
    [popupClientId(OTHER), popup],
    [popupClientId(UI), `${gateway.origin}/oauth/popup`],
    [popupClientId(UI), `${popup}&origin=x`],
    [popupClientId(UI), popup.replace(encodeURIComponent(UI), UI)],
    [popupClientId(UI), 'http://127.0.0.1:7777/callback'],
    [popupClientId(UI), UI],
  ] as const
  for (const [client_id, redirect_uri] of cases) {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id,
      redirect_uri,
      code_challenge: challenge,
      code_challenge_method: 'S256',
    })
    const page = await browser.get(`${gateway.origin}/oauth/authorize?${query}`)
    assert.equal(page.status, 400, `${client_id} ${redirect_uri}`)
    assert.match(await page.text(), /invalid_redirect_uri/)
  }
  const evil = popupClientId('https://evil.example')
  const unknown = await browser.get(`${gateway.origin}/oauth/authorize?client_id=${evil}`)
  assert.match(await unknown.text(), /invalid_client/)
})

test('the question waits by a script of its own, which no other page has', async (t) => {
  const { gateway, browser } = await startWithPopup(t, { consent: 'remember' })
  const started = await browser.get(popupUrl(gateway))
  const question = await browser.get(started.headers.get('location') ?? '')
  const policy = question.headers.get('content-security-policy') ?? ''
  const html = await question.text()
  const scripts = [...html.matchAll(/<script(?: type="module")?>(.*?)<\/script>/gs)]
  const hashes = scripts.map(
    ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  )
  assert.equal(hashes.length, 2)
  assert.ok(policy.includes(`script-src ${hashes.join(' ')}; `), policy)
  assert.equal(question.headers.get('cross-origin-opener-policy'), null)
  assert.match(html, /This is asked at each new sign-in/)
  const other = await browser.get(authorizeUrl(gateway))
  assert.doesNotMatch(other.headers.get('content-security-policy') ?? '', /script-src '[^']*' '/)
  assert.doesNotMatch(await other.text(), /<script type="module"|formtarget/)
})

test('the page at the end runs its own script alone, whatever stands in the answer', async (t) => {
  const { gateway, browser } = await startWithPopup(t)
  const code = `"'><script>alert(1)</script>&quot;`
  const page = await browser.get(popupUrl(gateway, { code, iss: gateway.origin }))
  const policy = page.headers.get('content-security-policy') ?? ''
  const html = await page.clone().text()
  const [script = '', ...others] = [
    ...html.matchAll(/<script type="module">(.*?)<\/script>/gs),
  ].map(([, text = '']) => text)
  assert.deepEqual(others, [])
  assert.equal(html.match(/<script/g)?.length, 1)
  const hash = createHash('sha256').update(script).digest('base64')
  assert.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; /)
  assert.ok(policy.includes(`script-src 'sha256-${hash}'`))
  assert.match(policy, /base-uri 'none'; frame-ancestors 'none'; form-action 'none'$/)
  assert.equal(page.headers.get('cross-origin-opener-policy'), null)
  assert.equal(page.headers.get('referrer-policy'), 'no-referrer')
  assert.equal(page.headers.get('cache-control'), 'no-store')
  const tag = /<div class="card" id="answer"[^>]*>/.exec(html)?.[0] ?? ''
  assert.equal(tag.match(/"/g)?.length, 8)
})

test('popup.js is the same for all, and web pages of popup_origins may load it', async (t) => {
  const { gateway } = await startWithPopup(t)
  const url = `${gateway.origin}/oauth/popup.js`
  const source = await readFile(
    new URL('../../../src/http/popup/popup.js', import.meta.url),
    'utf8',
  )
  const response = await fetch(url, { headers: { origin: UI } })
  assert.equal(await response.text(), source)
  assert.equal(response.headers.get('access-control-allow-origin'), UI)
  assert.equal(response.headers.get('access-control-allow-credentials'), null)
  assert.equal(response.headers.get('cross-origin-resource-policy'), 'cross-origin')
  assert.match(response.headers.get('content-type') ?? '', /^text\/javascript/)
  const stranger = await fetch(url, { headers: { origin: 'https://evil.example' } })
  assert.equal(stranger.status, 403)
})

test('no code, state or challenge of a popup is in the log', async (t) => {
  const { gateway, browser } = await startWithPopup(t)
  const page = await walk(gateway, browser, { username: 'alice' })
  const { message } = await postedBy(page)
  const log = JSON.stringify(gateway.log)
  for (const secret of [
    (message as { readonly code: string }).code,
    'the-state',
    challenge,
    verifier,
  ]) {
    assert.ok(!log.includes(secret), secret.slice(0, 20))
  }
  assert.match(log, /popup_start/)
  assert.match(log, /popup_end/)
})
