import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { refusalResponse } from '../../src/access/refusal-response.ts'
import { explainFor } from '../../src/cli/explain/explain.ts'
import { failedCheck } from '../../src/cli/explain/explanation-text.ts'
import { providerWithKeys } from '../../src/cli/provider-keys.ts'
import { reasonWords } from '../../src/cli/request-story/reason-words.ts'
import type { IdentityProvider } from '../../src/issuer/identity-provider.ts'
import type { MintRequest } from '../environment/mock-entra/mint.ts'
import { type Gateway, resourceConfig, startGateway } from '../support/gateway.ts'
import { post, send } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'

const now = () => Math.floor(Date.now() / 1000)
const claims = (over: Record<string, unknown>): MintRequest => ({ claims: over })
const header = (over: Record<string, unknown>): MintRequest => ({ header: over })

/** Where the token is shown; `team` wants a group, `scoped` a scope. */
type Place = 'open' | 'team' | 'scoped'
type Row = readonly [what: string, request: MintRequest | string, at?: Place]

const rows: readonly Row[] = [
  ['a good one', {}],
  ["bob's", { person: 'bob' }],
  ['a guest', { guest: true }],
  ['200 groups', { groups: 200 }],
  ['201 groups where none is asked for', { groups: 201 }],
  ['201 groups where one is asked for', { groups: 201 }, 'team'],
  ['in the group', { person: 'alice' }, 'team'],
  ['in another group', { person: 'bob' }, 'team'],
  ['in no group', { person: 'carol' }, 'team'],
  ['groups that are no list', claims({ groups: 'team-a' }), 'team'],
  ['hasgroups', claims({ groups: null, hasgroups: true }), 'team'],
  ['without the scope', {}, 'scoped'],
  ['with the scope', { scope: 'user.read Extra' }, 'scoped'],
  ['with the scope in roles', claims({ roles: ['extra'] }), 'scoped'],
  ['v2', { kind: 'v2' }],
  ['an ID token', { kind: 'id' }],
  ['of an application', { kind: 'app' }],
  ['of an application, v2', { kind: 'app-v2' }],
  ['for Graph', { kind: 'graph' }],
  ['for another audience', { audience: 'api://other' }],
  ['for two audiences', claims({ aud: ['6dae42f8-4368-4678-94ff-3960e28e3630', 'x'] })],
  ['without audience', claims({ aud: null })],
  ['with an audience that is a number', claims({ aud: 7 })],
  ['of another issuer', claims({ iss: 'https://sts.windows.net/other/' })],
  ['of the issuer without its slash', claims({ iss: 'https://sts.windows.net/x' })],
  ['without issuer', claims({ iss: null })],
  ['of another tenant', claims({ tid: '00000000-0000-4000-8000-000000000000' })],
  ['without tenant', claims({ tid: null })],
  ['expired', { lifetime: -10 }],
  ['expired long ago', { lifetime: -86_400 }],
  ['without exp', claims({ exp: null })],
  ['exp that is a text', claims({ exp: '9999999999' })],
  ['exp at the end of numbers', claims({ exp: Number.MAX_VALUE })],
  ['not valid yet', claims({ nbf: now() + 3_600 })],
  ['of tomorrow', claims({ iat: now() + 86_400 })],
  ['nbf that is a text', claims({ nbf: 'now' })],
  ['without client', claims({ appid: null })],
  ['of another client', claims({ appid: '11111111-2222-4333-8444-555555555555' })],
  ['of two clients', claims({ azp: '11111111-2222-4333-8444-555555555555' })],
  ['without subject', claims({ sub: null })],
  ['oid that is no text', claims({ oid: 7 })],
  ['without scp', claims({ scp: null })],
  ['empty scp', claims({ scp: '' })],
  ['idtyp app', claims({ idtyp: 'app' })],
  ['idtyp user', claims({ idtyp: 'user' })],
  ['bound to a key', claims({ cnf: { jkt: 'x' } })],
  ['an ID token by its hash', claims({ at_hash: 'x' })],
  ['typ at+jwt', header({ typ: 'at+jwt' })],
  ['typ of a logout token', header({ typ: 'logout+jwt' })],
  ['typ of something else', header({ typ: 'dpop+jwt' })],
  ['crit', header({ crit: ['b64'], b64: true })],
  ['alg PS256', header({ alg: 'PS256' })],
  ['alg none', { signature: 'none' }],
  ['HS256 with the public key', { signature: 'HS256' }],
  ['signed by a stranger', { signature: 'foreign-key' }],
  ['of an unknown key', { signature: 'unknown-key' }],
  ['edited', { signature: 'edited' }],
  ['without kid', header({ kid: null })],
  ['no JWT', 'opaque-token-0123456789'],
  ['five parts', 'a.b.c.d.e'],
  ['two parts', 'e30.e30'],
  ['three parts of nothing', 'x.y.z'],
  ['padding', 'e30=.e30=.eA=='],
]

let gateway: Gateway
let provider: IdentityProvider
const ending: (() => unknown)[] = []
before(async () => {
  const t = { after: (end: () => unknown) => void ending.unshift(end) } as never
  const upstream = await startUpstream(t)
  const scopes = { allowed_clients: 'any' as const }
  const resource = (name: Place, over: object) =>
    resourceConfig(upstream.url, { name, path: `/${name}`, ...scopes, ...over })
  gateway = await startGateway(t, {
    upstream: upstream.url,
    resources: [
      resource('open', { allowed_clients: ['401e5000-0000-4000-8000-00000000a991'] }),
      resource('team', { required_groups: [] }),
      resource('scoped', { required_scopes: ['extra'] }),
    ],
  })
  const alice = gateway.entra.people.people.find(({ username }) => username === 'alice')
  const [open, team, scoped] = gateway.config.resources
  assert.ok(open && team && scoped && alice)
  await gateway.service.reload({
    ...gateway.config,
    resources: [open, { ...team, required_groups: [...alice.groups] }, scoped],
  })
  gateway = {
    ...gateway,
    config: {
      ...gateway.config,
      resources: [open, { ...team, required_groups: [...alice.groups] }, scoped],
    },
  }
  provider = await providerWithKeys(gateway.config, { patience: 5_000 })
})
after(async () => {
  provider?.stop()
  for (const end of ending) await end()
})

/** More than one check has these reasons, and a line does not say which of them it was. */
const OF_SEVERAL_CHECKS = new Set(['malformed_claim', 'not_yet_valid', 'logout_token'])

/** Seconds pass between two judgements. */
const still = (text: string) => text.replaceAll(/\d+ seconds/g, 'N seconds')

for (const [what, request, at = 'open'] of rows) {
  test(`explain and the running gateway say the same of a token: ${what}`, async () => {
    const token = typeof request === 'string' ? request : await gateway.entra.mint(request)
    const resource = gateway.config.resources.find(({ name }) => name === at)
    assert.ok(resource)
    const answer = await send(`${gateway.origin}/${at}`, post(token))
    const explanation = await explainFor(resource, token, { config: gateway.config, provider })
    const { refusal } = explanation
    if (refusal === undefined) {
      assert.equal(explanation.verdict, 'accepted')
      assert.equal(answer.status, 200, answer.text)
      assert.doesNotMatch(answer.text, /isError|"error"/)
      return
    }
    const { kind, status, error, description } = refusalResponse(refusal)
    assert.equal(answer.status, kind === 'policy' ? 200 : status, answer.text)
    if (kind === 'policy') assert.ok(answer.text.includes(description), answer.text)
    else {
      assert.equal(answer.json()['error'], error)
      assert.equal(still(String(answer.json()['error_description'])), still(description))
    }
    const requestId = answer.headers['x-request-id']
    const line = await gateway.logged(
      (one) => one['kind'] === 'request' && one['request_id'] === requestId,
    )
    assert.equal(line['reason'], refusal.reason)
    // The story of a request names the same check and setting.
    if (OF_SEVERAL_CHECKS.has(refusal.reason)) return
    const check = failedCheck(explanation)
    const words = reasonWords(refusal.reason)
    assert.deepEqual([words?.check, words?.setting], [check?.name, check?.setting], refusal.reason)
  })
}

test('there are sixty of them', () => assert.ok(rows.length >= 60, `${rows.length}`))
