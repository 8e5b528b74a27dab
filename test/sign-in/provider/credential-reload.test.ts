import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config, ProviderCredential } from '../../../src/config/config.ts'
import { holmes } from '../../environment/mock-entra/directory.ts'
import type { Gateway } from '../../support/gateway.ts'
import { send } from '../../support/raw-http.ts'
import { codeFor, codeForm, postToken, startRelay } from '../../support/relay-gateway.ts'

function withCredential({ config }: Gateway, credential: ProviderCredential): Config {
  return { ...config, identity_provider: { ...config.identity_provider, credential } }
}

test('a reload that changes the credential alone keeps keys, discovery and known tokens', async (t) => {
  const gateway = await startRelay(t)
  const token = await gateway.entra.mint({ client: holmes.client_id })
  const headers = [['Authorization', `Bearer ${token}`]] as const
  const whoami = `${gateway.origin}/oauth/whoami`
  assert.equal((await send(whoami, { headers })).status, 200)
  const before = gateway.entra.requests()
  // A provider begun anew would have no keys now.
  gateway.entra.outage('reset')
  await gateway.service.reload(withCredential(gateway, { kind: 'secret', secret: 'renewed' }))
  assert.equal((await send(whoami, { headers })).status, 200)
  assert.equal(gateway.entra.requests(), before)
})

test('a credential that a reload brings counts from the next redemption on', async (t) => {
  const gateway = await startRelay(t)
  const code = await codeFor(gateway.entra, 'alice')
  await gateway.service.reload(withCredential(gateway, { kind: 'secret', secret: 'wrong' }))
  const refused = await postToken(gateway, codeForm(code))
  assert.equal(refused.status, 503)
  assert.match(String(refused.body['error_description']), /\(AADSTS7000215\)$/)
  const right: ProviderCredential = { kind: 'secret', secret: holmes.client_secret ?? '' }
  await gateway.service.reload(withCredential(gateway, right))
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
})
