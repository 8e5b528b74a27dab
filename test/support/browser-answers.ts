import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'

/** The words of RFC 6749 §4.1.2.1 for `error_description`: ASCII without quotation marks. */
const DESCRIPTION = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/

type Headers = Pick<Response['headers'], 'get'>

/** What no answer to a browser may lack or have: it is in nobody's cache, frame or script. */
export function assertPrivate(headers: Headers): void {
  assert.equal(headers.get('cache-control'), 'no-store')
  const named = [...(headers as Response['headers']).keys()]
  assert.deepEqual(
    named.filter((name) => name.startsWith('access-control-')),
    [],
  )
}

/** A page of ours: no redirect, no script but what its policy names, in no frame. Its text. */
export async function assertPage(
  answer: Response,
  status: number,
  words: RegExp = /./,
): Promise<string> {
  const text = await answer.text()
  assert.equal(answer.status, status, text)
  assertPrivate(answer.headers)
  assert.match(answer.headers.get('content-type') ?? '', /^text\/html; charset=utf-8$/)
  assert.equal(answer.headers.get('location'), null)
  assert.equal(answer.headers.get('refresh'), null)
  const policy = answer.headers.get('content-security-policy') ?? ''
  assert.match(
    policy,
    /^default-src 'none'; style-src 'sha256-[^']+'; (script-src 'sha256-[^']+'; )?base-uri 'none'/,
  )
  assert.match(policy, /frame-ancestors 'none'/)
  assert.equal(answer.headers.get('x-frame-options'), 'DENY')
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
  assert.doesNotMatch(withoutGuard(text, policy), /<script|http-equiv|\son\w+=/i)
  assert.match(text, words)
  return text
}

/** A question has one script, before everything that is shown; no other page has any. */
function withoutGuard(text: string, policy: string): string {
  const [, script] = /<script>(.*?)<\/script>\n<\/head>/s.exec(text) ?? []
  assert.equal(script !== undefined, text.includes('name="decision"'))
  if (script === undefined) return text
  const digest = createHash('sha256').update(script).digest('base64')
  assert.ok(policy.includes(`script-src 'sha256-${digest}';`), policy)
  return text.replace(script, '').replace('<script></script>', '')
}

/** An error page: as above, and the browser keeps nothing of it. */
export async function assertRefused(
  answer: Response,
  status: number,
  words: RegExp = /./,
): Promise<string> {
  const text = await assertPage(answer, status, words)
  assert.deepEqual(answer.headers.getSetCookie(), [])
  assert.doesNotMatch(text, /<form|<a [^>]*href="(?!\/")/)
  return text
}

/** What the client is told in the answer that it is sent. */
export interface Told {
  /** Its address, without the answer. */
  readonly at: string
  readonly state?: string | undefined
  readonly iss?: string | undefined
}

/** A redirect to the client with an error, in words that any client can show. */
export async function assertTold(
  answer: Response,
  { at, state, iss }: Told,
  [error, words]: readonly [string, RegExp],
): Promise<void> {
  await answer.body?.cancel()
  const location = answer.headers.get('location') ?? ''
  assert.equal(answer.status, 303, location)
  assertPrivate(answer.headers)
  assert.equal(answer.headers.get('referrer-policy'), 'no-referrer')
  const [sent, query = ''] = [location.slice(0, at.length), location.slice(at.length + 1)]
  assert.equal(sent, at)
  assert.match(location[at.length] ?? '', /[?&]/)
  const told = [...new URLSearchParams(query)]
  const { error_description: description = '', ...rest } = Object.fromEntries(told)
  const expected = [['error', error], ...(state === undefined ? [] : [['state', state]])]
  if (iss !== undefined) expected.push(['iss', iss])
  assert.deepEqual(rest, Object.fromEntries(expected))
  assert.equal(told.length, expected.length + 1, 'nothing is there twice')
  assert.match(description, DESCRIPTION)
  assert.match(description, words)
}
