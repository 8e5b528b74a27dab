import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  ConfidentialClientApplication,
  type Configuration,
  CryptoProvider,
  type INetworkModule,
  InteractionRequiredAuthError,
} from '@azure/msal-node'
import * as oidc from 'openid-client'
import { Agent, fetch as fetchWith } from 'undici'
import {
  createWorkload,
  rsaCertificate,
  sha256Thumbprint,
} from '../../../support/client-credentials.ts'
import { firstKeys } from '../../../support/first-keys.ts'
import { createAuthority, type IssuedCertificate, loopbackNames } from '../../certificates.ts'
import { aksServerId, holmes, publicClient } from '../../mock-entra/directory.ts'
import { type MockEntra, startMockEntra } from '../../mock-entra/mock-entra.ts'
import { signIn } from '../../sign-in.ts'
import { answered, authorize, claimsOf, redirectUri } from './code-flow.ts'

const certifiedId = 'ce471f1e-0000-4000-8000-00000000a994'
const federatedId = 'fede4a7e-0000-4000-8000-00000000a995'

const workload = createWorkload()
let pair: IssuedCertificate
let mock: MockEntra
let agent: Agent
let certificateAuthority: string
before(async () => {
  const authority = await createAuthority('mock entra test')
  certificateAuthority = authority.certificate
  pair = await rsaCertificate()
  const { client_secret: _, ...withoutSecret } = holmes
  const certificates = [pair.certificate]
  const federated_credentials = [workload.credential]
  mock = await startMockEntra({
    firstKeys: await firstKeys(),
    tls: await authority.issue({ names: loopbackNames }),
    clients: [
      holmes,
      publicClient,
      { ...withoutSecret, client_id: certifiedId, certificates },
      { ...withoutSecret, client_id: federatedId, federated_credentials },
    ],
  })
  agent = new Agent({ connect: { ca: authority.certificate } })
})
after(async () => {
  await agent.close()
  await mock.close()
})

/** MSAL's requests, with our authority trusted. */
async function send<T>(url: string, init: Parameters<typeof fetchWith>[1]) {
  const response = await fetchWith(url, { ...init, dispatcher: agent })
  const headers = Object.fromEntries(response.headers)
  return { status: response.status, headers, body: (await response.json()) as T }
}
const networkClient: INetworkModule = {
  sendGetRequestAsync: (url, options) => send(url, { headers: options?.headers ?? {} }),
  sendPostRequestAsync: (url, options) =>
    send(url, { method: 'POST', headers: options?.headers ?? {}, body: options?.body ?? '' }),
}

function msal(auth: Configuration['auth']): ConfidentialClientApplication {
  const authority = `${mock.origin}/${mock.tenantId}`
  const knownAuthorities = [new URL(mock.origin).host]
  return new ConfidentialClientApplication({
    auth: { authority, knownAuthorities, ...auth },
    system: { networkClient },
  })
}

const scopes = [`${aksServerId}/.default`]

/** Signs alice in through MSAL, whatever it proves itself with. */
async function signInWithMsal(application: ConfidentialClientApplication) {
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes()
  const url = await application.getAuthCodeUrl({
    scopes,
    redirectUri,
    codeChallenge: challenge,
    codeChallengeMethod: 'S256',
    responseMode: 'query',
  })
  mock.signInAs('alice')
  const page = await fetchWith(url, { dispatcher: agent, redirect: 'manual' })
  mock.signInAs(undefined)
  const code = new URL(page.headers.get('location') ?? '').searchParams.get('code') ?? ''
  return application.acquireTokenByCode({ code, scopes, redirectUri, codeVerifier: verifier })
}

test('msal-node redeems a code with PKCE, refreshes, and asks for a new sign-in once revoked', async () => {
  const clientSecret = holmes.client_secret ?? ''
  const application = msal({ clientId: holmes.client_id, clientSecret })
  const first = await signInWithMsal(application)
  assert.equal(
    first.account?.homeAccountId,
    `${claimsOf(first.accessToken)['oid']}.${mock.tenantId}`,
  )
  const account = first.account
  assert.ok(account)
  const second = await application.acquireTokenSilent({ account, scopes, forceRefresh: true })
  assert.equal(second?.fromCache, false)
  assert.notEqual(second?.accessToken, first.accessToken)
  mock.revoke('alice')
  await assert.rejects(
    application.acquireTokenSilent({ account, scopes, forceRefresh: true }),
    (error: unknown) =>
      error instanceof InteractionRequiredAuthError && /AADSTS50173/.test(error.message),
  )
})

test('msal-node proves itself with a certificate, and is refused with the key of another', async () => {
  const clientCertificate = {
    thumbprintSha256: sha256Thumbprint(pair.certificate),
    privateKey: pair.key,
  }
  const { accessToken } = await signInWithMsal(msal({ clientId: certifiedId, clientCertificate }))
  assert.equal(claimsOf(accessToken)['appidacr'], '2')
  const { key: privateKey } = await rsaCertificate()
  const other = msal({
    clientId: certifiedId,
    clientCertificate: { ...clientCertificate, privateKey },
  })
  await assert.rejects(signInWithMsal(other), /AADSTS700027/)
})

test('msal-node proves itself with the token of a workload', async () => {
  const clientAssertion = await workload.token()
  const { accessToken } = await signInWithMsal(msal({ clientId: federatedId, clientAssertion }))
  assert.equal(claimsOf(accessToken)['appidacr'], '2')
  const foreign = await workload.token({ sub: 'system:serviceaccount:default:other' })
  const other = msal({ clientId: federatedId, clientAssertion: foreign })
  await assert.rejects(signInWithMsal(other), /AADSTS700213/)
})

test('openid-client discovers, redeems a code with nonce and PKCE, and refreshes', async () => {
  const signedIn = await signIn(mock, 'bob', { certificateAuthority })
  assert.equal(claimsOf(signedIn.access_token)['upn'], 'bob@contoso.test')
  const configuration = await oidc.discovery(
    new URL(`${mock.origin}/${mock.tenantId}/v2.0`),
    holmes.client_id,
    undefined,
    oidc.ClientSecretBasic(holmes.client_secret ?? ''),
    {
      [oidc.customFetch]: (url, init) =>
        fetchWith(url, { ...(init as object), dispatcher: agent }) as unknown as Promise<Response>,
    },
  )
  assert.equal(configuration.serverMetadata().supportsPKCE(), false)
  const refreshed = await oidc.refreshTokenGrant(configuration, signedIn.refresh_token ?? '', {
    scope: `${aksServerId}/.default openid profile offline_access`,
  })
  assert.equal(claimsOf(refreshed.access_token)['upn'], 'bob@contoso.test')
  assert.notEqual(refreshed.refresh_token, signedIn.refresh_token)
  const again = await oidc.refreshTokenGrant(configuration, signedIn.refresh_token ?? '', {
    scope: `${aksServerId}/.default`,
  })
  assert.ok(again.access_token, 'the refresh token that was used before is still good')
})

test('a public client signs a person in without a secret', async () => {
  const { access_token } = await signIn(mock, 'carol', {
    client: publicClient,
    certificateAuthority,
  })
  assert.equal(claimsOf(access_token)['appid'], publicClient.client_id)
  assert.equal(claimsOf(access_token)['appidacr'], '0')
})

test('somebody who is not in the directory cannot be signed in', async () => {
  await assert.rejects(
    signIn(mock, 'mallory', { certificateAuthority }),
    /does not offer "mallory"/,
  )
})

test('a person who is disabled gets an error at authorize', async (t) => {
  const plain = await startMockEntra({ firstKeys: await firstKeys() })
  t.after(() => plain.close())
  plain.disable('alice')
  plain.signInAs('alice')
  assert.match(
    (await answered(await authorize(plain))).get('error_description') ?? '',
    /^AADSTS50057:/,
  )
})
