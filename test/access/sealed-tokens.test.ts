import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { authenticate, authenticateToken, exactToken } from '../../src/access/authenticate.ts'
import { explainToken } from '../../src/access/explain-token.ts'
import type { Refusal } from '../../src/access/refusal.ts'
import type { OpenedToken, TokenOpener, TokenSession } from '../../src/access/token-opener.ts'
import { sha256 } from '../../src/sealing/digest.ts'
import {
  assertRefusal,
  entraClaims,
  entraHeader,
  entraPolicy,
  now,
  signedToken,
  TrueVerifier,
} from './judged-tokens.ts'

const policy = entraPolicy()
const inside = signedToken(entraHeader, entraClaims)
const sealed = 'a..sealed.token.x'
const clock = () => now

const session: TokenSession = {
  family: 'a-family',
  began: now - 60_000,
  client: { id: 'holmes', name: 'Holmes' },
}

/** Opens what it was made with, and counts what it is asked. */
class Opener implements TokenOpener {
  readonly #remembered = new Map<string, OpenedToken>()
  readonly #known: ReadonlyMap<string, string>
  asked = 0
  /** Why the sessions are over. */
  ended: Refusal | undefined
  /** Of whom it was asked whether the session goes on. */
  readonly judged: unknown[] = []

  constructor(known: Readonly<Record<string, string>> = { [sealed]: inside }) {
    this.#known = new Map(Object.entries(known))
  }

  recall(text: string): OpenedToken | undefined {
    this.asked += 1
    return this.#remembered.get(text)
  }

  open(text: string): OpenedToken | undefined {
    this.asked += 1
    const token = this.#known.get(text)
    if (token === undefined) return undefined
    const opened = { token, digest: sha256(token), session }
    this.#remembered.set(text, opened)
    return opened
  }

  refuseSession(of: TokenSession, user: string): Refusal | undefined {
    this.judged.push([of, user])
    return this.ended
  }
}

const accessWith = (opener: TokenOpener) => ({ verifier: new TrueVerifier(), policy, opener })

test('the token inside is judged, and it is what goes upstream', async () => {
  const verdict = await authenticate([`Bearer ${sealed}`], accessWith(new Opener()), clock)
  assert.ok(verdict.kind === 'principal')
  const { principal } = verdict
  assert.equal(exactToken(principal), inside)
  assert.equal(principal.identity.user, 'alice@contoso.com')
  assert.equal(principal.expiresAt, now + 3_600_000)
  assert.ok(!inspect(principal, { showHidden: true, depth: 9 }).includes(sealed))
})

test('a sealed token seen before is judged in the same turn', async () => {
  const access = accessWith(new Opener())
  await authenticate([`Bearer ${sealed}`], access, clock)
  const verdict = authenticate([`Bearer ${sealed}`], access, clock)
  assert.ok(!(verdict instanceof Promise))
  assert.ok(verdict.kind === 'principal')
  assert.equal(access.verifier.verifications, 1)
})

test('every check is made on the token inside: it ends when that one does', async () => {
  const access = accessWith(new Opener())
  await authenticate([`Bearer ${sealed}`], access, clock)
  const verdict = await authenticate([`Bearer ${sealed}`], access, () => now + 3_600_000)
  assert.ok(verdict.kind === 'refused')
  assert.equal(verdict.refusal.reason, 'expired')
  assert.equal(verdict.claimed?.user, 'alice@contoso.com')
  const other = signedToken(entraHeader, { ...entraClaims, aud: 'api://another' })
  const elsewhere = await authenticate(['Bearer x'], accessWith(new Opener({ x: other })), clock)
  assert.ok(elsewhere.kind === 'refused')
  assert.equal(elsewhere.refusal.reason, 'wrong_audience')
})

test('a session that ends refuses its tokens, also one that was seen before', async () => {
  const opener = new Opener()
  const access = accessWith(opener)
  const first = await authenticate([`Bearer ${sealed}`], access, clock)
  assert.ok(first.kind === 'principal')
  assert.deepEqual(first.principal.session, session)
  opener.ended = { reason: 'session_ended', by: 'request' }
  const verdict = authenticate([`Bearer ${sealed}`], access, clock)
  assert.ok(!(verdict instanceof Promise))
  assert.ok(verdict.kind === 'refused')
  assertRefusal(verdict.refusal, {
    reason: 'session_ended',
    status: 401,
    error: 'invalid_token',
    description: /^The session of this token was ended.*; sign in again\.$/,
  })
  assert.equal(verdict.claimed?.user, 'alice@contoso.com')
  assert.deepEqual(opener.judged, Array(2).fill([session, 'alice@contoso.com']))
  const { checks, verdict: explained } = await explainToken(sealed, access, clock)
  const step = checks.find(({ name }) => name === 'session')
  assert.deepEqual([explained, step?.verdict], ['refused', 'failed'])
})

for (const [what, text] of [
  ["the identity provider's own token", inside],
  ['a token sealed elsewhere', 'b..sealed.token.x'],
  ['an opaque text', 'opaque'],
] as const) {
  test(`${what} is refused where tokens are sealed, and no key is looked at`, async () => {
    const access = accessWith(new Opener())
    const verdict = await authenticate([`Bearer ${text}`], access, clock)
    assert.ok(verdict.kind === 'refused')
    assertRefusal(verdict.refusal, {
      reason: 'not_sealed',
      status: 401,
      error: 'invalid_token',
      description:
        /^This server takes only the tokens that it hands out itself.*sign in through this server/,
    })
    assert.equal('claimed' in verdict, false)
    assert.equal(access.verifier.recalls + access.verifier.verifications, 0)
  })
}

test("the identity provider's token stays refused after the sealed one was seen", async () => {
  const access = accessWith(new Opener())
  await authenticate([`Bearer ${sealed}`], access, clock)
  const verdict = await authenticate([`Bearer ${inside}`], access, clock)
  assert.ok(verdict.kind === 'refused')
  assert.equal(verdict.refusal.reason, 'not_sealed')
})

test('nothing is opened for a request without exactly one token', () => {
  const opener = new Opener()
  for (const values of [[], ['Basic YTpi'], ['Bearer a', 'Bearer b'], ['Bearer a b']]) {
    assert.ok(!(authenticate(values, accessWith(opener), clock) instanceof Promise))
  }
  assert.equal(opener.asked, 0)
})

test('what the identity provider just gave is judged as it is, and never opened', async () => {
  const opener = new Opener()
  const verdict = await authenticateToken(inside, accessWith(opener), clock)
  assert.equal(verdict.kind, 'principal')
  const unopened = await authenticateToken(sealed, accessWith(opener), clock)
  assert.ok(unopened.kind === 'refused')
  assert.equal(unopened.refusal.reason, 'not_a_jwt')
  assert.equal(opener.asked, 0)
})

test('an explanation begins with the seal, and goes on with the token inside', async () => {
  const explanation = await explainToken(sealed, accessWith(new Opener()), clock)
  assert.equal(explanation.verdict, 'accepted')
  assert.deepEqual(explanation.checks[0], {
    name: 'sealed',
    verdict: 'passed',
    setting: 'sign_in.tokens',
    expected: 'a token that this server handed out for this resource',
    found: 'one; it was opened, and the rest is about the token inside',
  })
  assert.ok(explanation.checks.every(({ verdict }) => verdict === 'passed'))
  assert.equal(explanation.token?.user, 'alice@contoso.com')
  assert.ok(!JSON.stringify(explanation).includes(sealed))
})

test("an explanation of the identity provider's own token is refused at the seal, and goes on", async () => {
  const explanation = await explainToken(inside, accessWith(new Opener()), clock)
  assert.equal(explanation.verdict, 'refused')
  assert.equal(explanation.refusal?.reason, 'not_sealed')
  const [first, ...rest] = explanation.checks
  assert.deepEqual([first?.verdict, first?.found], ['failed', 'a signed JWT, not sealed'])
  assert.ok(rest.every(({ verdict }) => verdict === 'passed'))
  const late = await explainToken(inside, accessWith(new Opener()), () => clock() + 86_400_000)
  assert.equal(late.refusal?.reason, 'not_sealed')
  const found = late.checks.map(({ name, verdict }) => [name, verdict])
  assert.deepEqual(
    found.filter(([, verdict]) => verdict === 'failed'),
    [
      ['sealed', 'failed'],
      ['not expired', 'failed'],
    ],
  )
  assert.equal(found.at(-1)?.[1], 'not reached')
  const opaque = await explainToken('opaque', accessWith(new Opener()), clock)
  assert.equal(opaque.checks[0]?.found, 'nothing that opens here')
  assert.ok(opaque.checks.slice(1).every(({ verdict }) => verdict === 'not reached'))
})
