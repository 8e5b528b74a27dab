import assert from 'node:assert/strict'
import { test } from 'node:test'
import { holmes } from '../../environment/mock-entra/directory.ts'
import {
  basic,
  codeFor,
  codeForm,
  postToken,
  refreshForm,
  signedIn,
  startRelay,
} from '../../support/relay-gateway.ts'

test('a code is redeemed with the credential that only rolecall has', async (t) => {
  const gateway = await startRelay(t)
  const code = await codeFor(gateway.entra, 'alice')
  const { status, headers, body } = await postToken(gateway, codeForm(code))
  assert.equal(status, 200, JSON.stringify(body))
  assert.equal(headers.get('cache-control'), 'no-store')
  assert.equal(body['token_type'], 'Bearer')
  assert.ok(Number.isInteger(body['expires_in']) && Number(body['expires_in']) > 3000)
  assert.deepEqual(Object.keys(body).sort(), [
    'access_token',
    'expires_in',
    'refresh_token',
    'scope',
    'token_type',
  ])
  const line = await gateway.logged(({ path, status: of }) => path === '/oauth/token' && of === 200)
  assert.equal(line['user'], 'alice@contoso.test')
})

test('a session goes on by refresh: without secret, scope and client id', async (t) => {
  const gateway = await startRelay(t)
  const { access, refresh } = await signedIn(gateway, 'alice')
  const { status, body } = await postToken(gateway, refreshForm(refresh, { client_id: '' }))
  assert.equal(status, 200, JSON.stringify(body))
  assert.notEqual(body['access_token'], access)
  assert.notEqual(body['refresh_token'], refresh)
  const next = await postToken(gateway, refreshForm(String(body['refresh_token'])))
  assert.equal(next.status, 200, JSON.stringify(next.body))
})

test('the confidential client works too: Basic with the id in the form, or the secret there', async (t) => {
  const gateway = await startRelay(t)
  const code = await codeFor(gateway.entra, 'alice')
  const wrong = await postToken(gateway, codeForm(code, { client_secret: 'another' }))
  assert.equal(wrong.status, 401)
  assert.equal(wrong.body['error'], 'invalid_client')
  const right = await postToken(gateway, codeForm(code), { authorization: basic })
  assert.equal(right.status, 200, JSON.stringify(right.body))
  const another = await codeFor(gateway.entra, 'alice')
  const inForm = await postToken(
    gateway,
    codeForm(another, { client_secret: holmes.client_secret ?? '' }),
  )
  assert.equal(inForm.status, 200, JSON.stringify(inForm.body))
})
