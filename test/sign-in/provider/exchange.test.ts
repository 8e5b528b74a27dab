import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GrantOutcome } from '../../../src/issuer/token-endpoint/provider-grants.ts'
import type { TokenVerifier } from '../../../src/issuer/token-verifier.ts'
import { ErrorAnswer } from '../../../src/oauth/error-answer.ts'
import { createTokenExchange } from '../../../src/sign-in/provider/exchange.ts'
import {
  entraClaims,
  entraHeader,
  entraPolicy,
  now,
  signedToken,
  TrueVerifier,
} from '../../access/judged-tokens.ts'
import { SimulatedClock } from '../../support/clock.ts'
import { resourceConfig } from '../../support/gateway.ts'

const accessToken = signedToken(entraHeader, entraClaims)

/** A source over a provider that answers after so many milliseconds, and counts what it is asked. */
function sourceAfter(milliseconds: number) {
  const clock = new SimulatedClock(now)
  const provider = {
    asked: 0,
    ask: (): Promise<GrantOutcome> => {
      provider.asked += 1
      return new Promise((resolve) =>
        clock.after(milliseconds, () => resolve({ kind: 'tokens', tokens: { accessToken } })),
      )
    },
  }
  const source = createTokenExchange({
    clock,
    refreshesPerMinute: 60,
    decides: () => true,
    verifyIdToken: () => assert.fail('there is no ID token'),
    onOutcome: () => undefined,
    memberGroups: undefined,
    refreshTokenRemedy: () => 'ask for one.',
  })
  const obtain = (verifier: TokenVerifier) =>
    source.obtain({
      grant: 'refresh_token',
      key: 'a',
      candidates: [
        {
          resource: resourceConfig('http://127.0.0.1:9/mcp'),
          access: { verifier, policy: entraPolicy() },
        },
      ],
      idToken: { required: false },
      ask: provider.ask,
    })
  return { clock, provider, obtain }
}

/** Waits for a key that does not come. */
class WaitingVerifier extends TrueVerifier {
  override verify(): Promise<never> {
    return new Promise(() => undefined)
  }
}

test('asking and judging end within ten seconds together, and the tokens are there for the next try', async () => {
  const { clock, provider, obtain } = sourceAfter(5_000)
  const first = obtain(new WaitingVerifier()).then(
    () => assert.fail('they were judged'),
    (error: unknown) => error,
  )
  await clock.advance(7_400)
  assert.equal(await Promise.race([first, 'waiting']), 'waiting')
  await clock.advance(200)
  const error = await first
  assert.ok(error instanceof ErrorAnswer)
  assert.deepEqual([error.status, error.error], [503, 'temporarily_unavailable'])
  assert.match(error.message, /nothing is lost/)
  const { tokens } = await obtain(new TrueVerifier())
  assert.equal(tokens.accessToken, accessToken)
  assert.equal(provider.asked, 1)
})
