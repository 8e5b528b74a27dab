import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entraErrors, explainProviderError } from '../../../src/issuer/errors/entra-errors.ts'
import { explainOAuthError, needsSignIn } from '../../../src/issuer/errors/oauth-errors.ts'
import { describeExplanation, type Whose } from '../../../src/oauth/provider-explanation.ts'

/** Each row of the list of AADSTS numbers that sign-in against Entra runs into, and whose job it is. */
const rows: readonly (readonly [Whose, ...number[]])[] = [
  ['administrator', 50011],
  ['administrator', 500113],
  ['operator', 90002, 900023],
  ['operator', 90038, 900382],
  ['operator', 700016],
  ['operator', 700038],
  ['administrator', 500011],
  ['operator', 650053],
  ['administrator', 650057, 65005],
  ['administrator', 65001],
  ['administrator', 90094, 90095],
  ['user', 65004],
  ['operator', 7000215],
  ['operator', 7000222],
  ['operator', 7000218],
  ['operator', 700025],
  ['operator', 700027],
  ['operator', 700024],
  ['operator', 700213, 70021],
  ['administrator', 7000112, 70001],
  ['administrator', 50105],
  ['user', 50020, 50034, 51004],
  ['administrator', 50057],
  ['user', 50076, 50079, 50072, 50074, 50078],
  ['administrator', 53000, 53001, 53002, 53003, 530032, 53004],
  ['user', 50058],
  ['user', 50132, 50133, 50173],
  ['user', 70008, 700082],
  ['administrator', 700084],
  ['user', 70043],
  ['user', 54005],
  ['user', 70000, 9002313],
  ['user', 501481],
  ['operator', 70011],
  ['operator', 900144],
  ['operator', 90009],
  ['operator', 901002],
  ['operator', 9010010],
  ['administrator', 9002325],
  ['operator', 9002326],
  ['administrator', 9002327],
  ['operator', 50194],
  ['operator', 90023],
  ['nobody', 50196],
  ['nobody', 90033, 90055, 90024],
]

for (const [whose, ...codes] of rows) {
  for (const code of codes) {
    test(`AADSTS${code} is explained, and is the ${whose}'s job`, () => {
      const explanation = explainProviderError({ error: 'an_error_nobody_knows', codes: [code] })
      assert.equal(explanation.code, `AADSTS${code}`)
      assert.equal(explanation.whose, whose)
      assert.doesNotMatch(explanation.what, /an_error_nobody_knows/)
    })
  }
}

test('a number stands in one row only', () => {
  const codes = entraErrors.flatMap((row) => row.codes)
  assert.equal(new Set(codes).size, codes.length)
})

const oauthErrors = [
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type',
  'invalid_scope',
  'invalid_target',
  'invalid_resource',
  'access_denied',
  'interaction_required',
  'login_required',
  'consent_required',
  'account_selection_required',
  'bad_token',
  'temporarily_unavailable',
  'server_error',
]
const suberrors = [
  'message_only',
  'additional_action',
  'basic_action',
  'user_password_expired',
  'consent_required',
  'bad_token',
]

const everyExplanation = [
  ...entraErrors.flatMap(({ codes }) =>
    codes.map((code) => explainProviderError({ error: 'invalid_grant', codes: [code] })),
  ),
  ...oauthErrors.map((error) => explainProviderError({ error, codes: [999_999_999] })),
  ...suberrors.map((suberror) =>
    explainProviderError({ error: 'invalid_grant', suberror, codes: [1234] }),
  ),
  explainProviderError({ error: 'x'.repeat(5_000), codes: [999_999_999] }),
]

for (const explanation of everyExplanation) {
  const { code, what, whose, remedy } = explanation
  test(`a description fits: ${code} ${what.slice(0, 60)}`, () => {
    const description = describeExplanation(explanation)
    assert.ok(description.length <= 240, `${description.length} characters: ${description}`)
    // What error_description may hold (RFC 6749 §5.2).
    assert.match(description, /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/)
    for (const part of [what, remedy, code ?? '']) assert.ok(description.includes(part), part)
    // HolmesGPT logs people out on these words.
    assert.doesNotMatch(description, /401|unauthorized/i)
    assert.match(what, /^[A-Z].*\.$/)
    assert.match(remedy, /^[a-z].*\.$/)
    assert.equal(description.includes(whoseWords[whose]), true)
  })
}

const whoseWords: Readonly<Record<Whose, string>> = {
  user: 'What you can do: ',
  administrator: "For the tenant's administrator: ",
  operator: 'For the operator of rolecall: ',
  nobody: 'This passes by itself: ',
}

test('where the operator has to act, the text names a setting or the place to look', () => {
  for (const row of entraErrors.filter(({ whose }) => whose === 'operator')) {
    const names = /identity_provider\.\w+|request_scopes|resource: ''|the proxy before Entra/
    assert.match(row.remedy, names, String(row.codes))
  }
})

test('a refused resource is explained by the value that HolmesGPT needs', () => {
  const { remedy } = explainProviderError({ error: 'invalid_target', codes: [9010010] })
  assert.match(remedy, /HolmesGPT set resource: ''/)
})

test('only Entra has tenants', () => {
  const description = describeExplanation(
    explainProviderError({ error: 'unauthorized_client', codes: [] }),
  )
  assert.match(description, /For the provider's administrator: /)
})

test('a number that is not known is told, with the words for its error', () => {
  const explanation = explainProviderError({ error: 'invalid_scope', codes: [123_456] })
  assert.deepEqual(explanation, { code: 'AADSTS123456', ...explainOAuthError('invalid_scope') })
})

test('of several numbers the first that is known counts', () => {
  assert.equal(
    explainProviderError({ error: 'invalid_grant', codes: [123_456, 50076] }).code,
    'AADSTS50076',
  )
})

test('a redirect has its number in its description only, and nothing else is taken from there', () => {
  const description = 'AADSTS65004: User declined to consent. Trace ID: BODY Correlation ID: BODY'
  const explanation = explainProviderError({ error: 'access_denied', codes: [], description })
  assert.equal(explanation.code, 'AADSTS65004')
  assert.doesNotMatch(describeExplanation(explanation), /BODY|User declined/)
})

test('without a number the words go by the error, whatever the provider', () => {
  for (const error of oauthErrors) {
    const explanation = explainProviderError({
      error,
      codes: [],
      description: 'Session not active',
    })
    assert.deepEqual(explanation, explainOAuthError(error))
    assert.equal(explanation.code, undefined)
    assert.doesNotMatch(explanation.what, new RegExp(error), 'has words of its own')
  }
})

test('an error that nobody knows is named, printable', () => {
  const { what } = explainProviderError({ error: 'teapot\n"é', codes: [] })
  assert.equal(what, 'The identity provider refused with teapot?"?.')
  assert.doesNotMatch(
    describeExplanation(explainProviderError({ error: 'a"b\\c', codes: [] })),
    /["\\]/,
  )
})

const mustSignIn: readonly (readonly [string, string | undefined, boolean])[] = [
  ['interaction_required', undefined, true],
  ['consent_required', undefined, true],
  ['login_required', undefined, true],
  ['bad_token', undefined, true],
  ['invalid_grant', undefined, true],
  ...suberrors.map((suberror) => ['invalid_client', suberror, true] as const),
  ['invalid_client', 'client_mismatch', false],
  ['invalid_scope', undefined, false],
  ['invalid_request', undefined, false],
  ['invalid_target', undefined, false],
  ['unauthorized_client', undefined, false],
]

for (const [error, suberror, expected] of mustSignIn) {
  test(`${error} ${suberror ?? ''}: a person must ${expected ? '' : 'not '}sign in again`, () => {
    assert.equal(needsSignIn(error, suberror), expected)
  })
}
