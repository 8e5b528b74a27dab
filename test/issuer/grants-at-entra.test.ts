import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import type { EntraConfig, ProviderCredential } from '../../src/config/config.ts'
import { holmes } from '../../src/demo/mock-entra/directory.ts'
import { type MockEntra, startMockEntra } from '../../src/demo/mock-entra/mock-entra.ts'
import {
  createIdentityProvider,
  type IdentityProvider,
} from '../../src/issuer/identity-provider.ts'
import type {
  GrantOutcome,
  ProviderGrants,
  ProviderTokens,
} from '../../src/issuer/provider-grants.ts'
import { aksScope, claimsOf, getCode, redirectUri, verifier } from '../mock-entra/code-flow.ts'
import { firstKeys } from '../support/first-keys.ts'

let mock: MockEntra
before(async () => {
  mock = await startMockEntra({ firstKeys: await firstKeys() })
})
after(() => mock.close())

const scope = aksScope.split(' ')
const secret: ProviderCredential = { kind: 'secret', secret: holmes.client_secret ?? '' }

/** The grants of a provider that has discovered the mock. */
async function grantsOf(
  t: TestContext,
  credential: ProviderCredential,
  clientId = holmes.client_id,
): Promise<ProviderGrants> {
  const config: EntraConfig = {
    kind: 'entra',
    tenant_id: mock.tenantId,
    cloud: 'public',
    authority: mock.origin,
    client_id: clientId,
    credential,
    authorize_parameters: {},
    signing_algorithms: ['RS256'],
    stale_for: 86_400_000,
  }
  const provider = await new Promise<IdentityProvider>((resolve) => {
    const started = createIdentityProvider(config, {
      clock: systemClock,
      publicUrlIsLoopback: true,
      onEvent: ({ kind }) => kind === 'fetched' && resolve(started),
    })
    t.after(() => started.stop())
    started.start()
  })
  assert.ok(provider.grants)
  return provider.grants
}

async function redeemedCode(grants: ProviderGrants): Promise<GrantOutcome> {
  return grants.redeemCode({
    code: await getCode(mock),
    redirectUri,
    codeVerifier: verifier,
    scope,
  })
}

function tokensOf(outcome: GrantOutcome): ProviderTokens {
  assert.equal(outcome.kind, 'tokens', JSON.stringify(outcome))
  assert.ok(outcome.kind === 'tokens')
  return outcome.tokens
}

test('a code is redeemed with the secret and a refresh token is refreshed', async (t) => {
  const grants = await grantsOf(t, secret)
  const first = tokensOf(await redeemedCode(grants))
  assert.equal(claimsOf(first.accessToken)['upn'], 'alice@contoso.test')
  assert.equal(first.idTokenClaims?.['nonce'], 'the-nonce')
  assert.ok(Number.isInteger(first.expiresIn))
  const refreshToken = first.refreshToken ?? ''
  const second = tokensOf(await grants.refresh({ refreshToken, scope }))
  assert.equal(claimsOf(second.accessToken)['upn'], 'alice@contoso.test')
  assert.notEqual(second.refreshToken, first.refreshToken)
})
