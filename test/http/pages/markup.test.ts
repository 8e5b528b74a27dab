import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../../src/clock.ts'
import { createMetadataFetch } from '../../../src/sign-in/clients/metadata-cache.ts'
import { clientRedirect } from '../../support/broker-client.ts'
import { type BrokerOptions, startBroker } from '../../support/broker-gateway.ts'
import { authorizeUrl, endpoint, toCallback } from '../../support/broker-sign-in.ts'
import { limitsWith } from '../../support/defaults.ts'
import { startEntra } from '../../support/gateway.ts'
import { resolvesTo, startMetadataHost } from '../../support/metadata-host.ts'
import { send } from '../../support/raw-http.ts'
import type { Change } from '../../support/relay-gateway.ts'

const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' autofocus onfocus='alert(1)",
  '</title></style></textarea><svg/onload=alert(1)>',
  '&lt;script&gt;alert(1)&lt;/script&gt;&#60;b&#62;',
  '<!-- --><![CDATA[x]]><?x?>',
  '<form action=https://evil.example><button name=decision value=allow>',
  '<meta http-equiv=refresh content="0;url=https://evil.example">',
  '<base href=https://evil.example/>',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: of other template languages
  '${alert(1)}{{alert(1)}}<%= 1 %>',
  'javascript:alert(1)',
  '\u0000\u0008\u001b[31m\u202eevil\u2066\u200b\ufeff\ufffe',
  '\u2028</bdi></code></p></dd><h1>You are safe</h1>',
  '\ud800<\udc00',
  '＜script＞alert(1)＜/script＞',
]

/** Its elements in their order with the names of their attributes: what is text leaves no trace. */
function skeleton(html: string): string {
  const tags = html.match(/<[!/a-z][^>]*>/gi) ?? []
  return tags.map((tag) => tag.replace(/="[^"]*"/g, '=""')).join('\n')
}

const CONTROL = /(?!\n)[\p{Cc}\p{Cs}\p{Bidi_Control}]/u

/** A page that differs from another in its texts alone. */
function assertOnlyText(html: string, plain: string, what: string): void {
  assert.equal(skeleton(html), skeleton(plain), what)
  assert.equal(html.match(/<script/gi)?.length, plain.match(/<script/gi)?.length, what)
  assert.doesNotMatch(html, CONTROL, what)
  assert.doesNotMatch(html, /<img|<svg|<base|<meta http/i, what)
}

async function start(t: TestContext, options: BrokerOptions = {}) {
  const broker = await startBroker(t, {
    ...options,
    config: {
      limits: limitsWith({ registrations_per_minute: 1_000, sign_ins_per_minute: 10_000 }),
      ...options.config,
    },
  })
  const { gateway, browser } = broker
  return {
    ...broker,
    async page(url: string, headers: Record<string, string> = {}) {
      const answer = await browser.get(url, headers)
      assert.match(answer.headers.get('content-type') ?? '', /^text\/html; charset=utf-8$/)
      return answer.text()
    },
    async register(metadata: object): Promise<string> {
      const response = await fetch(endpoint(gateway, 'register'), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: [clientRedirect], ...metadata }),
      })
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
      const { client_id } = (await response.json()) as { client_id: string }
      return client_id
    },
  }
}

test('the name that a client gave itself is text on the consent page, and one line of it', async (t) => {
  const { page, register, gateway } = await start(t)
  const consent = async (client_name: string) =>
    page(authorizeUrl(gateway, { client_id: await register({ client_name }) }))
  const plain = await consent('A client')
  for (const name of hostile) {
    const html = await consent(`x${name}`)
    assertOnlyText(html, plain, name)
    assert.doesNotMatch(html, /[\u2028\u200b\ufeff]/)
  }
  const long = await consent('<b>'.repeat(10_000 / 3))
  assertOnlyText(long, plain, 'a long one')
  assert.ok(long.length < plain.length + 1_000)
})

test('nothing else of a registration is shown', async (t) => {
  const { page, register, gateway } = await start(t)
  const canary = '<i>CANARY</i>'
  const client_id = await register({
    client_name: 'A client',
    client_uri: `https://evil.example/${canary}`,
    logo_uri: 'https://evil.example/CANARY.png',
    tos_uri: 'javascript:CANARY',
    policy_uri: canary,
    contacts: [canary],
    software_statement: canary,
    scope: canary,
  })
  assert.doesNotMatch(await page(authorizeUrl(gateway, { client_id })), /CANARY|evil/)
})

/** What an address may be written with is dangerous enough. */
const addresses = [
  `http://127.0.0.1:7777/cb?x='onmouseover='alert(1)'&lt;script&gt;`,
  'http://127.0.0.1:7777/cb/%3Cscript%3Ealert(1)%3C/script%3E',
  'http://127.0.0.1:7777/cb?a=b&amp;c=d&copy=e&lt;',
  'http://[::1]:7777/;alert(1)//',
  `http://localhost:7777/${'a/'.repeat(900)}`,
]

test('the address of a client is shown whole, and is text', async (t) => {
  const { page, gateway } = await start(t)
  const plain = await page(authorizeUrl(gateway))
  const long = await page(
    authorizeUrl(gateway, { redirect_uri: `http://127.0.0.1:7777/${'a'.repeat(1_000)}` }),
  )
  for (const redirect_uri of addresses) {
    const html = await page(authorizeUrl(gateway, { redirect_uri }))
    assertOnlyText(html, redirect_uri.length > 240 ? long : plain, redirect_uri)
    const escaped = redirect_uri.replaceAll('&', '&amp;').replaceAll("'", '&#39;')
    assert.ok(html.includes(escaped), 'and nothing of it is left out')
  }
})

test('a client that a document describes is shown by its host and address, as text', async (t) => {
  const host = await startMetadataHost(t)
  const { page, gateway } = await start(t, {
    signIn: { client_metadata_hosts: [host.host] },
    fetchMetadata: createMetadataFetch({
      clock: systemClock,
      certificateAuthority: host.certificateAuthority,
      lookup: resolvesTo('127.0.0.1'),
    }),
  })
  const consent = (path: string, client_name: string) => {
    const body = {
      client_id: host.url(path),
      client_name,
      redirect_uris: [clientRedirect],
      client_uri: 'javascript:alert(1)',
      logo_uri: 'https://evil.example/x.png',
    }
    const client_id = host.publish(path, { body })
    return page(authorizeUrl(gateway, { client_id }))
  }
  const plain = await consent('/plain', 'A client')
  for (const [number, name] of hostile.entries()) {
    assertOnlyText(await consent(`/client-${number}`, `x${name}`), plain, name)
  }
  const path = "/x'onload='alert(1)'/%3Cscript%3E"
  const html = await consent(path, 'A client')
  assertOnlyText(html, plain, path)
  assert.doesNotMatch(html, /evil|javascript:/)
})

const names = [
  'client_id',
  'redirect_uri',
  'state',
  'resource',
  'response_type',
  'prompt',
  'scope',
  'code_challenge',
  'request_uri',
]

test('no parameter of a request writes into a page, whether it is shown or not', async (t) => {
  const { gateway, browser } = await start(t)
  const get = async (change: Change) => {
    const answer = await browser.get(authorizeUrl(gateway, change))
    browser.cookies.clear()
    return answer.headers.has('location') ? undefined : answer.text()
  }
  for (const name of names) {
    const plain = await get({ [name]: 'x' })
    for (const text of hostile) {
      const html = await get({ [name]: text })
      assert.equal(html === undefined, plain === undefined, name)
      if (html !== undefined) assertOnlyText(html, plain ?? '', `${name} ${text}`)
    }
  }
})

test('nor does what comes back to the callback, or is sent with the form', async (t) => {
  const { gateway, browser, page } = await start(t)
  const back = `${endpoint(gateway, 'callback')}?`
  const post = async (fields: Record<string, string>) => {
    const { origin } = gateway
    return (await browser.post(endpoint(gateway, 'authorize'), fields, { origin })).text()
  }
  for (const name of ['state', 'code', 'iss', 'error', 'error_description', 'x']) {
    const plain = await page(back + new URLSearchParams({ [name]: 'x' }))
    for (const text of hostile) {
      assertOnlyText(await page(back + new URLSearchParams({ [name]: text })), plain, text)
    }
  }
  const wrongIssuer = async (iss: string) => {
    const url = await toCallback({ gateway, browser })
    url.searchParams.set('iss', iss)
    return page(url.href)
  }
  assertOnlyText(await wrongIssuer(hostile[0] ?? ''), await wrongIssuer('x'), 'iss')
  for (const name of ['transaction', 'decision', 'x']) {
    const plain = await post({ decision: 'allow', [name]: 'x' })
    for (const text of hostile) {
      assertOnlyText(await post({ decision: 'allow', [name]: text }), plain, text)
    }
  }
})

test('what the provider says of a person is text on the page that tells who they are', async (t) => {
  const person = (username: string, upn: string, groups: readonly string[]) => ({
    username,
    oid: `a11ce000-0000-4000-8000-0000000000${username.length}0`,
    upn,
    given_name: upn,
    family_name: upn,
    groups,
  })
  const people = {
    groups: [],
    people: [
      person(
        'plain',
        'alice@contoso.test',
        hostile.map(() => 'group'),
      ),
      ...hostile.map((text, number) =>
        person(
          `mallory-${'x'.repeat(number)}`,
          `x${text}`,
          hostile.map((group) => `g${group}`),
        ),
      ),
    ],
  }
  const entra = await startEntra(t, { people })
  const { gateway, page, browser } = await start(t, { entra })
  const whoIs = async (username: string) => {
    const own = `${endpoint(gateway, 'authorize')}?client_id=rolecall`
    return page((await toCallback({ gateway, browser }, own, username)).href)
  }
  const plain = await whoIs('plain')
  assert.match(plain, /alice@contoso\.test/)
  for (const { username, upn } of people.people.slice(1)) {
    assertOnlyText(await whoIs(username), plain, upn)
  }
})

test('neither Host nor path nor any header is written into an answer', async (t) => {
  const { gateway } = await start(t)
  const canary = '<b>CANARY</b>'
  const urls = [
    authorizeUrl(gateway),
    `${gateway.origin}/oauth/authorize/%3Cb%3ECANARY?${canary}`,
    `${gateway.origin}/%3Cb%3ECANARY`,
    `${endpoint(gateway, 'callback')}?CANARY=${canary}`,
    `${gateway.origin}/?CANARY`,
  ]
  for (const url of urls) {
    for (const [name, value] of [
      ['Host', 'CANARY.example'],
      ['Origin', 'https://CANARY.example'],
      ['Referer', `https://evil.example/${canary}`],
      ['User-Agent', canary],
      ['X-Request-Id', 'CANARY-CANARY'],
      ['Accept-Language', canary],
      ['Cookie', `rolecall-consent=${canary}; CANARY=CANARY`],
    ] as const) {
      const { text, headers } = await send(url, { headers: [[name, value]] })
      assert.doesNotMatch(text + JSON.stringify(headers), /CANARY/, `${url} ${name}`)
    }
  }
})
