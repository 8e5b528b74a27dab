import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { firstKeys } from '../../../support/first-keys.ts'
import { aksServerId, graphId, holmes, ownApi } from '../../mock-entra/directory.ts'
import type { MintRequest } from '../../mock-entra/mint.ts'
import { type MockEntra, startMockEntra } from '../../mock-entra/mock-entra.ts'
import { aksScope, claimsOf, codeForm, json, refreshForm, token } from './code-flow.ts'

let mock: MockEntra
before(async () => {
  mock = await startMockEntra({ firstKeys: await firstKeys() })
})
after(() => mock.close())

function verify(jwt: string, version = '/v2.0') {
  const url = new URL(`${mock.origin}/${mock.tenantId}/discovery${version}/keys`)
  return jwtVerify(jwt, createRemoteJWKSet(url), { algorithms: ['RS256'] })
}

test('the AKS resource gets v1.0 access tokens and v2.0 ID tokens from the v2.0 endpoint', async () => {
  const answer = await json(await token(mock, await codeForm(mock)))
  const { payload, protectedHeader } = await verify(String(answer['access_token']), '')
  assert.equal(payload.iss, `https://sts.windows.net/${mock.tenantId}/`)
  assert.deepEqual(
    [payload.aud, payload['ver'], payload['appid'], payload['scp'], payload['upn']],
    [aksServerId, '1.0', holmes.client_id, 'user.read', 'alice@contoso.test'],
  )
  assert.equal(protectedHeader.x5t, protectedHeader.kid)
  const id = await verify(String(answer['id_token']))
  assert.equal(id.payload.iss, `${mock.origin}/${mock.tenantId}/v2.0`)
  assert.deepEqual(
    [id.payload.aud, id.payload['ver'], id.payload['nonce'], id.protectedHeader.x5t],
    [holmes.client_id, '2.0', 'the-nonce', undefined],
  )
  assert.equal(answer['scope'], `${aksServerId}/user.read ${aksServerId}/.default`)
  const lifetime = Number(answer['expires_in'])
  assert.ok(lifetime >= 3600 && lifetime <= 5400)
})

test('an API that takes v2.0 gets v2.0 tokens, whose audience is its id', async () => {
  const scope = 'api://rolecall/mcp.access'
  const answer = await json(await token(mock, { ...(await codeForm(mock, { scope })), scope }))
  const { payload } = await verify(String(answer['access_token']))
  assert.deepEqual(
    [payload.aud, payload['ver'], payload['azp'], payload['scp'], payload['preferred_username']],
    [ownApi.id, '2.0', holmes.client_id, 'mcp.access', 'alice@contoso.test'],
  )
  assert.deepEqual([answer['refresh_token'], answer['id_token']], [undefined, undefined])
})

test('a refresh without a scope is answered with a token for Graph', async () => {
  const { scope: _, ...form } = await refreshForm(mock)
  const answer = await json(await token(mock, form))
  assert.equal(claimsOf(answer['access_token'])['aud'], graphId)
  await assert.rejects(verify(String(answer['access_token']), ''))
})

test('a redemption without a scope is for what the person was asked', async () => {
  const { scope: _, ...form } = await codeForm(mock)
  const answer = await json(await token(mock, form))
  assert.equal(claimsOf(answer['access_token'])['aud'], aksServerId)
})

test('offline_access alone brings a refresh token', async () => {
  const scope = aksScope.replace(' offline_access', '')
  const answer = await json(await token(mock, { ...(await codeForm(mock, { scope })), scope }))
  assert.equal(answer['refresh_token'], undefined)
  assert.ok(answer['id_token'])
})

test('client credentials bring a token without a person', async () => {
  const answer = await json(
    await token(mock, {
      grant_type: 'client_credentials',
      client_id: holmes.client_id,
      client_secret: holmes.client_secret,
      scope: `${aksServerId}/.default`,
    }),
  )
  const claims = claimsOf(answer['access_token'])
  assert.deepEqual(
    [claims['idtyp'], claims['scp'], claims['upn'], claims['oid']],
    ['app', undefined, undefined, holmes.service_principal_id],
  )
  assert.equal(answer['refresh_token'], undefined)
})

test('tokens live as long as the option says', async (t) => {
  const fixed = await startMockEntra({ firstKeys: await firstKeys(), lifetime: 600 })
  t.after(() => fixed.close())
  assert.equal((await json(await token(fixed, await codeForm(fixed))))['expires_in'], 600)
})

const good: readonly { what: string; request: MintRequest; has: Record<string, unknown> }[] = [
  { what: 'a user', request: {}, has: { ver: '1.0', upn: 'alice@contoso.test' } },
  { what: 'v2.0', request: { kind: 'v2', person: 'bob' }, has: { ver: '2.0', aud: ownApi.id } },
  { what: 'an ID token', request: { kind: 'id' }, has: { aud: holmes.client_id, scp: undefined } },
  { what: 'an app', request: { kind: 'app' }, has: { idtyp: 'app', scp: undefined } },
  {
    what: 'an app in v2.0',
    request: { kind: 'app-v2' },
    has: { idtyp: undefined, scp: undefined },
  },
  { what: 'a guest', request: { guest: true }, has: { upn: undefined } },
  {
    what: 'overage',
    request: { groups: 201 },
    has: { groups: undefined, _claim_names: { groups: 'src1' } },
  },
  { what: 'another tenant', request: { claims: { tid: 'other' } }, has: { tid: 'other' } },
  { what: 'a claim taken away', request: { claims: { aud: null } }, has: { aud: undefined } },
]
for (const { what, request, has } of good) {
  test(`a minted token of ${what} is signed and has its claims`, async () => {
    const { payload } = await verify(await mock.mint(request))
    for (const [name, value] of Object.entries(has)) assert.deepEqual(payload[name], value, name)
  })
}

const bad: readonly { what: string; request: MintRequest; code: string }[] = [
  { what: 'expired', request: { lifetime: -1 }, code: 'ERR_JWT_EXPIRED' },
  {
    what: 'signed by another key',
    request: { signature: 'foreign-key' },
    code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  },
  {
    what: 'signed by an unknown key',
    request: { signature: 'unknown-key' },
    code: 'ERR_JWKS_NO_MATCHING_KEY',
  },
  {
    what: 'edited',
    request: { signature: 'edited' },
    code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  },
  {
    what: 'signed with the public key',
    request: { signature: 'HS256' },
    code: 'ERR_JOSE_ALG_NOT_ALLOWED',
  },
  { what: 'for Graph', request: { kind: 'graph' }, code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' },
  {
    what: 'marked with crit',
    request: { header: { crit: ['x'], x: 1 } },
    code: 'ERR_JOSE_NOT_SUPPORTED',
  },
]
for (const { what, request, code } of bad) {
  test(`a minted token that is ${what} does not verify`, async () => {
    await assert.rejects(verify(await mock.mint(request)), { code })
  })
}

test('a minted token with alg none has an empty signature', async () => {
  assert.match(await mock.mint({ signature: 'none' }), /^[^.]+\.[^.]+\.$/)
})

test('a rotation publishes the new key beside the old ones, and signs with it', async () => {
  const before = mock.keyIds()
  const old = await mock.mint()
  const kid = await mock.rotate()
  assert.deepEqual(mock.keyIds(), { current: kid, published: [...before.published, kid] })
  assert.equal((await verify(await mock.mint())).protectedHeader.kid, kid)
  await verify(old)
  mock.retireKey(before.current)
  await assert.rejects(verify(old), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
  await assert.rejects(verify(await mock.mint({ kid: before.current })))
})
