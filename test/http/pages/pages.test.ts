import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { type BrowserPage, render } from '../../../src/http/pages/pages.ts'
import type { ConsentPage, GoOnPage } from '../../../src/sign-in/authorize/browser-answer.ts'
import { startBroker } from '../../support/broker-gateway.ts'

const context = { site: 'mcp.example.com', requestId: 'request-1' }

const consent: ConsentPage = {
  kind: 'consent',
  action: '/oauth/authorize',
  transaction: 'transaction-1',
  client: { kind: 'dynamic', id: 'client-1', name: 'Claude Code' },
  redirectUri: 'https://client.example/callback',
  resource: { name: 'prod', url: 'https://mcp.example.com/mcp' },
  tokens: 'sealed',
  lasts: 86_400_000,
  remembers: false,
}

const { lasts: _lasts, remembers: _remembers, ...question } = consent
const goOn: GoOnPage = { ...question, kind: 'go_on', transaction: 'question-1' }

const pages: readonly BrowserPage[] = [
  consent,
  { ...consent, client: { kind: 'dynamic', id: 'client-1' } },
  { ...consent, client: { kind: 'registered', id: 'holmes' } },
  { ...consent, client: { ...consent.client, kind: 'metadata_document', host: 'host.example' } },
  goOn,
  { ...goOn, client: { kind: 'dynamic', id: 'client-1' } },
  { ...goOn, client: { kind: 'registered', id: 'holmes' } },
  { ...goOn, client: { kind: 'popup', id: 'p', origin: 'https://ui.example' } },
  {
    kind: 'error',
    explanation: { code: 'AADSTS50076', what: 'What.', whose: 'user', remedy: 'remedy.' },
  },
  { kind: 'refused', error: 'invalid_request', description: 'Description.' },
  {
    kind: 'signed_in',
    user: 'alice@contoso.test',
    groups: Array.from({ length: 12 }, (_, index) => `group-${index}`),
    groupsKnown: 'listed',
    signedInAt: Date.parse('2026-11-25T12:00:00Z'),
    expiresAt: Date.parse('2026-11-25T13:15:00Z'),
    resources: [{ name: 'prod', url: 'https://mcp.example.com/mcp', permitted: true }],
  },
]

const hostile = [
  '<script>alert(1)</script>',
  '</title><img src=x onerror=alert(1)>',
  '"><button name="decision" value="allow">',
  "' onfocus='alert(1)' autofocus='",
  '&lt;b&gt; &amp; &#60;',
  '</style><style>*{display:none}</style>',
  '<!-- ]]> -->',
  'javascript:alert(1)',
  'x'.repeat(2000),
]

/** What decides which page it is, and is never from outside. */
const FIXED = new Set(['kind', 'whose', 'tokens'])

/** The page with one text in the place of every text that can come from outside. */
function filledWith<T>(value: T, text: string, key = ''): T {
  if (typeof value === 'string') return (FIXED.has(key) ? value : text) as T
  if (Array.isArray(value)) return value.map((one) => filledWith(one, text)) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, one]) => [name, filledWith(one, text, name)])
  return Object.fromEntries(entries) as T
}

/** Every tag with the names of its attributes. */
function tagsOf(html: string): readonly string[] {
  const tags = html.replace(/<style>.*?<\/style>/s, '').match(/<[^>]*>/g) ?? []
  return tags.map((tag) => tag.replace(/="[^"]*"/g, ''))
}

test('whatever stands in a text of a page stays text', () => {
  for (const page of pages) {
    for (const text of hostile) {
      const long = text.length > 240
      const harmless = render(filledWith(page, long ? 'y'.repeat(2000) : 'harmless'), context)
      const filled = render(filledWith(page, text), { site: text, requestId: text })
      assert.deepEqual(tagsOf(filled), tagsOf(harmless), `${page.kind}: ${text.slice(0, 40)}`)
      assert.doesNotMatch(filled, /href="(?!\/")/)
    }
  }
})

test('nothing on a page turns the order of the text around it or cannot be seen', () => {
  const unseen = '\u202egpj\u202c \u2066a\u2069 \u200f \u0000 \u001b[31m \ud800'
  for (const page of pages) {
    const shown = render(filledWith(page, unseen), context)
    assert.doesNotMatch(shown, /\p{Bidi_Control}|\p{Cs}|[^\P{Cc}\n\t]/u, page.kind)
    assert.match(shown, /\u{fffd}gpj/u)
  }
})

test('only a question has a script, and each page is one document with a language and its landmarks', () => {
  for (const page of pages) {
    const html = render(page, context).replace(/(?<=<script>).*?(?=<\/script>)/s, '')
    assert.equal(html.includes('<script></script>'), 'action' in page, page.kind)
    assert.doesNotMatch(html, /<script[^>]|\son\w+=|<img|<link|url\(|@import/i, page.kind)
    for (const once of [/<html lang="en">/g, /<main>/g, /<h1>/g, /<title>/g, /<header>/g]) {
      assert.equal(html.match(once)?.length, 1, `${page.kind} ${once}`)
    }
  }
})

test('consent tells who gets the answer, by what is true of the address', () => {
  const cases: readonly [string, RegExp][] = [
    ['https://claude.ai/api/mcp/auth_callback', /class="host">claude\.ai</],
    ['https://claude.ai.evil.example:8443/cb', /class="host">claude\.ai\.evil\.example:8443</],
    ['https://xn--80ak6aa92e.example/cb', /class="host">xn--80ak6aa92e\.example</],
    ['http://127.0.0.1:33418/', /A program on this computer<\/span> \(127\.0\.0\.1:33418\)/],
    ['http://localhost:1/cb', /A program on this computer<\/span> \(localhost:1\)/],
    ['http://[::1]:7/cb', /A program on this computer<\/span> \(\[::1\]:7\)/],
    ['cursor://anysphere.cursor-mcp/oauth/callback', /An app on this device.*>cursor:</],
  ]
  for (const [redirectUri, expected] of cases) {
    const html = render({ ...consent, redirectUri }, context)
    assert.match(html, expected)
    assert.ok(html.includes(`dir="ltr">${redirectUri}<`), redirectUri)
  }
})

test('consent says of a name who stands for it', () => {
  const whoAsks = (client: ConsentPage['client']) => render({ ...consent, client }, context)
  assert.match(whoAsks(consent.client), /chose this name itself; nobody has verified it/)
  assert.match(whoAsks({ kind: 'dynamic', id: 'client-1' }), /gave no name/)
  assert.match(whoAsks({ kind: 'registered', id: 'holmes' }), /Registered by the operator/)
  const host = 'claude.ai'
  const document = whoAsks({ kind: 'metadata_document', id: `https://${host}/m.json`, host })
  assert.match(document, /<strong>claude\.ai<\/strong> vouches for it/)
  assert.doesNotMatch(document, /proves nothing/)
})

test('consent warns of a made-up name and of a program on this computer, and only then', () => {
  const registered = { kind: 'registered', id: 'holmes' } as const
  const warnings = (page: Partial<ConsentPage>) => {
    const html = render({ ...consent, ...page }, context)
    return [/proves nothing/.test(html), /Press Deny if you did not start this yourself/.test(html)]
  }
  assert.deepEqual(warnings({}), [true, false])
  assert.deepEqual(warnings({ redirectUri: 'http://localhost:1/' }), [true, true])
  assert.deepEqual(warnings({ redirectUri: 'cursor://a/b' }), [true, true])
  assert.deepEqual(warnings({ client: registered, redirectUri: 'http://localhost:1/' }), [
    false,
    true,
  ])
  assert.deepEqual(warnings({ client: registered }), [false, false])
})

test('consent says what the token can do, for how long, and whether this is asked again', () => {
  const sealed = render(consent, context)
  assert.match(sealed, /good for this MCP server only/)
  assert.match(sealed, /renew its token for 24 hours/)
  assert.match(sealed, /asked at each new sign-in/)
  const page = { ...consent, tokens: 'passthrough', lasts: 5_400_000, remembers: true } as const
  const passthrough = render(page, context)
  assert.match(passthrough, /a token for the cluster itself/)
  assert.match(passthrough, /renew its token for 90 minutes/)
  assert.match(passthrough, /not ask this again for 90 days/)
})

test('an address of 2,000 characters is there whole, in a box that the keyboard reaches', () => {
  const redirectUri = `https://client.example/${'a'.repeat(1977)}`
  const html = render({ ...consent, redirectUri }, context)
  assert.ok(html.includes(redirectUri))
  assert.match(html, /class="soft long" tabindex="0" role="region" aria-label=/)
})

test('an error says what happened, whose job it is, the remedy, what to do next, code and request id', () => {
  const whose = {
    user: /Yours\./,
    administrator: /administrator of your Entra tenant/,
    operator: /operates this server/,
    nobody: /passes by itself/,
  } as const
  for (const [name, expected] of Object.entries(whose)) {
    const explanation = {
      code: 'AADSTS50076',
      what: 'Entra asks for a second factor.',
      whose: name as keyof typeof whose,
      remedy: 'sign in again and confirm it there.',
    }
    const html = render({ kind: 'error', explanation }, context)
    assert.match(html, expected)
    assert.match(html, /Entra asks for a second factor\./)
    assert.match(html, /Sign in again and confirm it there\./)
    assert.match(html, /What to do next/)
    assert.match(html, /AADSTS50076/)
    assert.match(html, /request-1/)
  }
})

test('the page of a person says when the token ends, in words and for machines', () => {
  const [html = ''] = pages
    .filter(({ kind }) => kind === 'signed_in')
    .map((page) => render(page, context))
  assert.match(
    html,
    /Ends in 75 minutes, on <time datetime="2026-11-25T13:15:00.000Z">25 November 2026 at 13:15 UTC<\/time>/,
  )
  assert.match(html, /<summary>2 more<\/summary>/)
  assert.match(html, /keeps no session/)
})

test('the page of a person tells when the provider left the groups out', () => {
  const html = pages
    .filter((page) => page.kind === 'signed_in')
    .map((page) => render({ ...page, groups: [], groupsKnown: 'left_out' }, context))
  assert.match(html.join(''), /so many groups that the identity provider leaves all of them out/)
})

test('the page of a user says when groups are not read, and that none are listed only of a token that was', () => {
  const page = (groupsKnown: 'listed' | 'not_read') =>
    pages
      .filter((one) => one.kind === 'signed_in')
      .map((one) => render({ ...one, groups: [], groupsKnown }, context))
      .join('')
  assert.match(page('not_read'), /Not read here: <code>groups_claim<\/code> is empty/)
  assert.doesNotMatch(page('not_read'), /names none/)
  assert.match(page('listed'), /The token names none\./)
})

const STRICT =
  /^default-src 'none'; style-src 'sha256-[^']+'; (script-src 'sha256-[^']+'; )?base-uri 'none'; frame-ancestors 'none'/

/** The policy, after it was held against the style that came with it. */
async function policyOf(response: Response): Promise<string> {
  const html = await response.text()
  const policy = response.headers.get('content-security-policy') ?? ''
  assert.match(policy, STRICT)
  const style = /<style>(.*?)<\/style>/s.exec(html)?.[1] ?? ''
  const hash = createHash('sha256').update(style).digest('base64')
  assert.ok(policy.includes(`'sha256-${hash}'`), 'the policy names the style as it was sent')
  assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
  assert.equal(response.headers.get('x-frame-options'), 'DENY')
  assert.equal(response.headers.get('cross-origin-opener-policy'), null)
  return policy
}

test('every page comes with a strict policy; the one with a form lets it lead to other origins', async (t) => {
  const { gateway, browser } = await startBroker(t)
  const authorize = `${gateway.origin}/oauth/authorize`
  const query = new URLSearchParams({
    client_id: 'holmes',
    redirect_uri: 'http://127.0.0.1:7777/callback',
    response_type: 'code',
    code_challenge: createHash('sha256').update('verifier').digest('base64url'),
    code_challenge_method: 'S256',
  })
  const asked = await browser.get(`${authorize}?${query}`)
  assert.equal(asked.headers.get('referrer-policy'), 'same-origin')
  assert.equal(asked.headers.get('cache-control'), 'no-store')
  assert.doesNotMatch(await policyOf(asked), /form-action/)
  const others = [
    await browser.get(`${gateway.origin}/`),
    await browser.get(`${authorize}?client_id=nobody`),
    await browser.get(`${gateway.origin}/oauth/callback?state=nothing&code=c`),
  ]
  const policies = new Set(await Promise.all(others.map(policyOf)))
  assert.equal(policies.size, 1)
  assert.match([...policies].join(), /; form-action 'none'$/)
  for (const page of others) assert.equal(page.headers.get('referrer-policy'), 'no-referrer')
})

test('whatever is refused at authorize and callback is a page, with the setting and the request id', async (t) => {
  const { gateway, browser } = await startBroker(t)
  const { origin } = gateway
  const authorize = `${origin}/oauth/authorize`
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const post = (headers: Record<string, string>, body = 'decision=allow') =>
    fetch(authorize, { method: 'POST', headers, body })
  const cases: readonly [Response, number, RegExp][] = [
    [await browser.get(`${authorize}?client_id=nobody`), 400, /not known here/],
    [await browser.get(`${authorize}?client_id=holmes&client_id=holmes`), 400, /twice/],
    [
      await browser.get(`${authorize}?client_id=holmes&redirect_uri=https://evil.example/`),
      400,
      /sign_in\.redirect_uris/,
    ],
    [await browser.get(`${origin}/oauth/callback?state=x`), 400, /not begun in this browser/],
    [await post({ ...form, origin: 'https://evil.example' }), 403, /our own page/],
    [await post(form), 400, /ten minutes old/],
    [await post({ 'content-type': 'application/json' }, '{}'), 400, /is a form/],
    [await post(form, `decision=allow&x=${'x'.repeat(20_000)}`), 413, /larger than is read/],
    [await fetch(authorize, { method: 'DELETE' }), 405, /GET, POST/],
    [await browser.get(`${authorize}?access_token=a`), 400, /access token/i],
  ]
  for (const [response, status, expected] of cases) {
    const html = await response.text()
    assert.equal(response.status, status, html)
    assert.match(response.headers.get('content-type') ?? '', /^text\/html/)
    assert.match(html, expected)
    assert.match(html, /Whose job it is/)
    assert.ok(html.includes(response.headers.get('x-request-id') ?? 'no id'))
  }
})

test('what the provider refuses at the end of a sign-in on our own page is told in its parts', async (t) => {
  const { gateway, browser } = await startBroker(t)
  const begun = await browser.get(`${gateway.origin}/oauth/authorize?client_id=rolecall`)
  const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state') ?? ''
  const answer = new URLSearchParams({
    error: 'access_denied',
    error_description: 'AADSTS65004: <b>User declined</b> to consent.',
    state,
  })
  const page = await browser.get(`${gateway.origin}/oauth/callback?${answer}`)
  const html = await page.text()
  assert.equal(page.status, 400)
  assert.match(html, /Consent was declined\./)
  assert.match(html, /<code>AADSTS65004<\/code>/)
  assert.doesNotMatch(html, /<b>/)
})

test('a person signs in on our own page, sees who they are, and no cookie stays', async (t) => {
  const { gateway, browser } = await startBroker(t)
  const begun = await browser.get(`${gateway.origin}/oauth/authorize?client_id=rolecall`)
  gateway.entra.signInAs('alice')
  const back = await browser.get(begun.headers.get('location') ?? '')
  const page = await browser.get(back.headers.get('location') ?? '')
  const html = await page.text()
  assert.equal(page.status, 200, html)
  assert.match(html, /You are <strong><bdi>alice@contoso\.test<\/bdi><\/strong>/)
  assert.match(html, /<strong>prod<\/strong>: <span class="yes">yes<\/span>/)
  assert.equal(
    [...browser.cookies.keys()].some((name) => name.includes('rolecall')),
    false,
  )
  assert.doesNotMatch(html, /eyJ/)
})
