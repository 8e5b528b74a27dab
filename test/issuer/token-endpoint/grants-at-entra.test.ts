import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { systemClock } from '../../../src/clock.ts'
import type { EntraConfig, ProviderCredential } from '../../../src/config/config.ts'
import { entraErrors } from '../../../src/issuer/errors/entra-errors.ts'
import {
  createIdentityProvider,
  type IdentityProvider,
} from '../../../src/issuer/identity-provider.ts'
import type {
  GrantOutcome,
  ProviderGrants,
  ProviderTokens,
} from '../../../src/issuer/token-endpoint/provider-grants.ts'
import type { IssuedCertificate } from '../../environment/certificates.ts'
import {
  aksServerId,
  type Client,
  holmes,
  publicClient,
} from '../../environment/mock-entra/directory.ts'
import { isErrorCode } from '../../environment/mock-entra/errors.ts'
import { type MockEntra, startMockEntra } from '../../environment/mock-entra/mock-entra.ts'
import {
  aksScope,
  answered,
  authorize,
  claimsOf,
  getCode,
  redirectUri,
  verifier,
} from '../../environment/tests/mock-entra/code-flow.ts'
import { createWorkload, rsaCertificate } from '../../support/client-credentials.ts'
import { firstKeys } from '../../support/first-keys.ts'
import { entraConfig } from '../../support/gateway.ts'

const { client_secret: _, ...withoutSecret } = holmes
const certified: Client = {
  ...withoutSecret,
  client_id: 'ce471f1e-0000-4000-8000-00000000a994',
}
const federated: Client = {
  ...withoutSecret,
  client_id: 'fede4a7e-0000-4000-8000-00000000a995',
}
const workload = createWorkload()
let pair: IssuedCertificate
let folder: string
let mock: MockEntra
/** One session, bob's, for all that only look at refusals. */
let session: { readonly grants: ProviderGrants; readonly refreshToken: string }
const atEnd: (() => void)[] = []
before(async () => {
  pair = await rsaCertificate()
  folder = await mkdtemp(join(tmpdir(), 'rolecall-grants-'))
  mock = await startMockEntra({
    firstKeys: await firstKeys(),
    clients: [
      holmes,
      publicClient,
      { ...certified, certificates: [pair.certificate] },
      { ...federated, federated_credentials: [workload.credential] },
    ],
  })
  const grants = await grantsOf({ after: (run) => atEnd.push(run) }, secret)
  mock.signInAs('bob')
  const code = (await answered(await authorize(mock))).get('code') ?? ''
  mock.signInAs(undefined)
  const outcome = await grants.redeemCode({ code, redirectUri, codeVerifier: verifier, scope })
  session = { grants, refreshToken: tokensOf(outcome).refreshToken ?? '' }
})
after(async () => {
  for (const run of atEnd) run()
  await mock.close()
  await rm(folder, { recursive: true })
})

const scope = aksScope.split(' ')
const secret: ProviderCredential = { kind: 'secret', secret: holmes.client_secret ?? '' }

/** A test, or the whole file. */
interface Scope {
  after(run: () => void): void
}

/** A provider that has discovered the mock. */
async function discovered(
  t: Scope,
  credential: ProviderCredential,
  clientId: string | undefined,
): Promise<IdentityProvider> {
  const config: EntraConfig = {
    ...entraConfig(mock),
    ...(clientId !== undefined && { client_id: clientId }),
    credential,
  }
  return new Promise<IdentityProvider>((resolve) => {
    const provider = createIdentityProvider(config, {
      clock: systemClock,
      isOnLoopback: true,
      onEvent: ({ kind }) => kind === 'fetched' && resolve(provider),
    })
    t.after(() => provider.stop())
    provider.start()
  })
}

async function grantsOf(
  t: Scope,
  credential: ProviderCredential,
  clientId = holmes.client_id,
): Promise<ProviderGrants> {
  const { grants } = await discovered(t, credential, clientId)
  assert.ok(grants)
  return grants
}

/** A code of alice's, redeemed. */
async function redeem(
  grants: ProviderGrants,
  client = holmes,
  address = redirectUri,
): Promise<GrantOutcome> {
  const code = await getCode(mock, { client_id: client.client_id, redirect_uri: address })
  return grants.redeemCode({ code, redirectUri: address, codeVerifier: verifier, scope })
}

function tokensOf(outcome: GrantOutcome): ProviderTokens {
  assert.ok(outcome.kind === 'tokens', JSON.stringify(outcome))
  return outcome.tokens
}

/** A file with this in it, and no more. */
async function written(name: string, content: string): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, content)
  return file
}

async function certificateIn(name: string, { certificate, key }: IssuedCertificate) {
  return {
    kind: 'certificate',
    certificate,
    key,
    certificate_file: await written(`${name}.crt`, certificate),
    key_file: await written(`${name}.key`, key),
  } as const
}

const credentials: readonly (readonly [string, Client, () => Promise<ProviderCredential>])[] = [
  ['a secret in the body', holmes, async () => secret],
  ['a secret in the header', holmes, async () => ({ ...secret, method: 'basic' })],
  ['a certificate', certified, () => certificateIn('tls', pair)],
  [
    'the token of a workload',
    federated,
    async () => {
      return { kind: 'federated_token', file: await written('token', await workload.token()) }
    },
  ],
]

for (const [name, client, credential] of credentials) {
  test(`with ${name} a code is redeemed and a refresh token refreshed`, async (t) => {
    const grants = await grantsOf(t, await credential(), client.client_id)
    const first = tokensOf(await redeem(grants, client))
    const claims = claimsOf(first.accessToken)
    assert.equal(claims['upn'], 'alice@contoso.test')
    assert.equal(claims['appid'], client.client_id)
    assert.equal(claimsOf(first.idToken ?? '')['nonce'], 'the-nonce')
    assert.ok(Number.isInteger(first.expiresIn))
    const refreshToken = first.refreshToken ?? ''
    const second = tokensOf(await grants.refresh({ refreshToken, scope }))
    assert.equal(claimsOf(second.accessToken)['upn'], 'alice@contoso.test')
    assert.equal(claimsOf(second.accessToken)['aud'], aksServerId)
    assert.notEqual(second.refreshToken, first.refreshToken)
  })
}

test('a public client needs no credential', async (t) => {
  const grants = await grantsOf(t, { kind: 'none' }, publicClient.client_id)
  tokensOf(await redeem(grants, publicClient, 'http://localhost:8400'))
})

test('without a client_id there are no grants', async (t) => {
  const provider = await discovered(t, secret, undefined)
  assert.equal(provider.grants, undefined)
})

function misconfigured(outcome: GrantOutcome, code: string): void {
  assert.ok(outcome.kind === 'misconfigured', JSON.stringify(outcome))
  assert.equal(outcome.explanation.code, code)
  assert.equal(outcome.explanation.whose, 'operator')
  assert.match(outcome.trace?.correlation_id ?? '', /^[0-9a-f-]{36}$/)
}

test('a secret file that is replaced counts from the next redemption on', async (t) => {
  const file = await written('secret', 'not yet the right one\n')
  const grants = await grantsOf(t, { kind: 'secret', secret: 'as at start', file })
  misconfigured(await redeem(grants), 'AADSTS7000215')
  await written('secret', `${holmes.client_secret}\n`)
  tokensOf(await redeem(grants))
})

test('a certificate that is replaced counts from the next redemption on', async (t) => {
  const credential = await certificateIn('renewed', await rsaCertificate())
  const grants = await grantsOf(t, credential, certified.client_id)
  misconfigured(await redeem(grants, certified), 'AADSTS700027')
  await certificateIn('renewed', pair)
  tokensOf(await redeem(grants, certified))
})

test('the token of a workload that is replaced counts from the next redemption on', async (t) => {
  const past = Math.floor(Date.now() / 1000) - 3600
  const file = await written('renewed-token', await workload.token({ nbf: past - 60, exp: past }))
  const grants = await grantsOf(t, { kind: 'federated_token', file }, federated.client_id)
  misconfigured(await redeem(grants, federated), 'AADSTS700024')
  await written('renewed-token', await workload.token())
  tokensOf(await redeem(grants, federated))
})

test('a renewed credential counts at once, and nothing is discovered for it', async (t) => {
  const provider = await discovered(t, { kind: 'secret', secret: 'wrong' }, holmes.client_id)
  assert.ok(provider.grants)
  misconfigured(await redeem(provider.grants), 'AADSTS7000215')
  const before = mock.requestsByPath()
  provider.renewCredential(secret)
  tokensOf(await redeem(provider.grants))
  const discovery = `/${mock.tenantId}/v2.0/.well-known/openid-configuration`
  assert.equal(mock.requests(discovery), before[discovery])
})

test('a code that was used before, and another verifier, are refusals', async (t) => {
  const grants = await grantsOf(t, secret)
  const code = await getCode(mock)
  const redemption = { code, redirectUri, codeVerifier: verifier, scope }
  const other = await grants.redeemCode({ ...redemption, codeVerifier: `${verifier}x` })
  assert.ok(other.kind === 'refused')
  assert.equal(other.explanation.code, 'AADSTS501481')
  tokensOf(await grants.redeemCode(redemption))
  const again = await grants.redeemCode(redemption)
  assert.ok(again.kind === 'refused')
  assert.equal(again.explanation.code, 'AADSTS54005')
  assert.equal(again.mustSignIn, true)
})

test('a person whose sessions were revoked is refused', async (t) => {
  const grants = await grantsOf(t, secret)
  const { refreshToken = '' } = tokensOf(await redeem(grants))
  mock.revoke('alice')
  const outcome = await grants.refresh({ refreshToken, scope })
  assert.ok(outcome.kind === 'refused')
  assert.equal(outcome.explanation.code, 'AADSTS50173')
  assert.equal(outcome.mustSignIn, true)
})

test('every number that is explained is one that the mock can answer with', () => {
  const unknown = entraErrors.flatMap(({ codes }) => codes.filter((code) => !isErrorCode(code)))
  assert.deepEqual(unknown, [])
})

const passing = [90024, 90033, 90055]
const credentialCodes = [7000215, 7000222, 7000218, 700025, 700027, 700024, 700213, 70021]

for (const code of entraErrors.flatMap(({ codes }) => codes).filter(isErrorCode)) {
  test(`AADSTS${code} at refresh is told as such, without Entra’s own words`, async (t) => {
    const { grants, refreshToken } = session
    mock.fail({ at: 'refresh', code })
    t.after(() => mock.reset())
    const outcome = await grants.refresh({ refreshToken, scope })
    assert.doesNotMatch(JSON.stringify(outcome), /Trace ID|Timestamp|Description/)
    if (passing.includes(code)) {
      assert.equal(outcome.kind, 'unavailable')
      return
    }
    assert.equal(outcome.kind, credentialCodes.includes(code) ? 'misconfigured' : 'refused')
    assert.ok('explanation' in outcome)
    assert.equal(outcome.explanation.code, `AADSTS${code}`)
    assert.deepEqual(outcome.trace?.codes, [code])
  })
}

test('an outage and HTML in place of tokens are trouble that may pass, and the session lives on', async (t) => {
  const { grants, refreshToken } = session
  t.after(() => mock.reset())
  for (const mode of ['reset', '503'] as const) {
    mock.outage(mode)
    assert.equal((await grants.refresh({ refreshToken, scope })).kind, 'unavailable')
  }
  mock.reset()
  const headers = { 'content-type': 'text/html' }
  for (const status of [200, 400, 502]) {
    const path = `/${mock.tenantId}/oauth2/v2.0/token`
    mock.answer(path, { status, headers, body: '<h1>Gateway</h1>' })
    assert.equal((await grants.refresh({ refreshToken, scope })).kind, 'unavailable')
  }
  mock.reset()
  tokensOf(await grants.refresh({ refreshToken, scope }))
})
