import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { holmes } from '../../environment/mock-entra/directory.ts'
import { startBroker } from '../../support/broker-gateway.ts'
import { atProvider, authorizeUrl, locationOf } from '../../support/broker-sign-in.ts'
import { startEntra } from '../../support/gateway.ts'
import { sealingKey } from '../../support/handed-out.ts'
import { type Answer, send } from '../../support/raw-http.ts'

/** On loopback, or the keys of the mock would be refused. */
const host = 'localhost'
const publicUrl = `https://${host}`

/** A rolecall behind an ingress that ends TLS; requests go to where it listens. */
async function startBehindTls(t: TestContext) {
  const registered = [{ uri: `${publicUrl}/oauth/callback`, platform: 'web' as const }]
  const entra = await startEntra(t, { clients: [{ ...holmes, redirect_uris: registered }] })
  const config = { public_url: publicUrl, sealing_keys: [sealingKey] }
  const { gateway } = await startBroker(t, { entra, config })
  return {
    gateway,
    get: (path: string, cookie = ''): Promise<Answer> =>
      send(gateway.origin + path, {
        headers: [['Host', host], ...(cookie === '' ? [] : [['Cookie', cookie] as const])],
      }),
    decide: (body: string, cookie: string): Promise<Answer> =>
      send(`${gateway.origin}/oauth/authorize`, {
        method: 'POST',
        headers: [
          ['Host', host],
          ['Cookie', cookie],
          ['Origin', publicUrl],
          ['Content-Type', 'application/x-www-form-urlencoded'],
        ],
        body,
      }),
  }
}

const cookieIn = ({ headers }: Answer) => headers['set-cookie']?.[0]?.split(';')[0] ?? ''

test('behind TLS every step of a sign-in has the prefix __Host- and Secure, and drops its cookie', async (t) => {
  const { gateway, get, decide } = await startBehindTls(t)
  const { pathname, search } = new URL(authorizeUrl(gateway))
  const page = await get(pathname + search)
  const id = /name="transaction" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  const flags = 'Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax'
  const lines = page.headers['set-cookie'] ?? []
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', new RegExp(`^__Host-rolecall-tx-${id}=[^;]+; ${flags}$`))
  const asked = cookieIn(page)

  const body = `transaction=${id}&decision=allow`
  const unprefixed = asked.replace('__Host-', '')
  assert.equal((await decide(body, unprefixed)).status, 400, 'it may be of another host')
  const there = await decide(body, asked)
  assert.equal(there.status, 303)
  assert.ok(there.headers['set-cookie']?.every((line) => line.endsWith(flags)))

  gateway.entra.signInAs('alice')
  const provider = await fetch(there.headers.location ?? '', { redirect: 'manual' })
  const back = locationOf(provider)
  assert.equal(back.origin, publicUrl)
  assert.equal((await get(back.pathname + back.search, unprefixed)).status, 400)
  assert.equal((await get(back.pathname + back.search, asked)).status, 400, 'not allowed yet')
  const done = await get(back.pathname + back.search, cookieIn(there))
  assert.equal(done.status, 303)
  const dropped = done.headers['set-cookie'] ?? []
  assert.deepEqual(dropped, [
    `__Host-rolecall-tx-${id}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`,
  ])
})

test('no other answer of ours sets a cookie', async (t) => {
  const { gateway, browser } = await startBroker(t)
  const { origin } = gateway
  const paths = ['/', '/mcp', '/oauth/token', '/oauth/whoami', '/oauth/callback?state=x&code=y']
  for (const path of [...paths, '/oauth/authorize', '/nothing', '/oauth/register']) {
    const answer = await fetch(origin + path)
    assert.deepEqual(answer.headers.getSetCookie(), [], path)
    await answer.body?.cancel()
  }
  assert.equal(browser.cookies.size, 0)
})

test('a browser with sixty cookies of others, or 20,000 characters of them, signs in', async (t) => {
  const { gateway, browser } = await startBroker(t)
  for (const length of [20, 320]) {
    const others = Array.from({ length: 60 }, (_, number) => `app-${number}`)
    const setOthers = () => others.map((name) => browser.cookies.set(name, 'v'.repeat(length)))
    setOthers()
    const there = await browser.allow(await browser.get(authorizeUrl(gateway)))
    for (const name of others) browser.cookies.delete(name) // the provider is another host
    const back = await atProvider({ gateway, browser }, there)
    setOthers()
    assert.ok(locationOf(await browser.comeBack(back.href)).searchParams.has('code'))
    assert.equal(browser.cookies.size, 60, 'those of others are left alone')
  }
})

test('cookies beyond the limit for headers are 431, and named as ours they are no 5xx', async (t) => {
  const { gateway } = await startBroker(t)
  const url = authorizeUrl(gateway)
  const big = await send(url, { headers: [['Cookie', `a=${'x'.repeat(40_000)}`]] })
  assert.equal(big.status, 431)
  const odd = Array.from({ length: 60 }, (_, number) => `rolecall-tx-<${number}>\t=v`).join('; ')
  for (const cookie of [odd, 'rolecall-tx-=', '=', ';;;', 'rolecall-consent=%', '__proto__=x']) {
    assert.equal((await send(url, { headers: [['Cookie', cookie]] })).status, 200, cookie)
  }
})
