import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type AuthorizeAnswer,
  judgeAuthorizeAnswer,
} from '../../../src/issuer/errors/authorize-answer.ts'
import { explainProviderError } from '../../../src/issuer/errors/entra-errors.ts'

const uri = 'https://mcp.example.com/oauth/callback'
const explain = (error: string, description: string) =>
  explainProviderError({ error, codes: [], description })

function judge(answer: Partial<AuthorizeAnswer>, kind: 'entra' | 'oidc' = 'oidc') {
  return judgeAuthorizeAnswer({ status: 200, body: '', ...answer }, uri, { kind, explain })
}

function back(query: string): Partial<AuthorizeAnswer> {
  return { status: 302, location: `${uri}${query}` }
}

const rows: readonly (readonly [
  string,
  Partial<AuthorizeAnswer>,
  'entra' | 'oidc',
  ReturnType<typeof judge>['kind'],
])[] = [
  ['nobody is signed in', back('?error=login_required&state=x'), 'oidc', 'registered'],
  ['the same in the fragment', back('#error=login_required'), 'oidc', 'registered'],
  ['somebody is signed in', back('?code=x'), 'oidc', 'registered'],
  ['a fault that passes', back('?error=temporarily_unavailable'), 'oidc', 'registered'],
  ['unknown scopes', back('?error=invalid_scope'), 'oidc', 'refused'],
  [
    'scopes that do not fit',
    back('?error=invalid_scope&error_description=AADSTS70011:+no'),
    'entra',
    'refused',
  ],
  [
    'a sign-in page at another address',
    { status: 302, location: 'https://idp/login' },
    'oidc',
    'registered',
  ],
  ['a sign-in page at a path', { status: 303, location: '/interaction/x' }, 'oidc', 'registered'],
  ['a redirect nowhere', { status: 302 }, 'oidc', 'unknown'],
  ['a page to sign in', { body: '<form>' }, 'entra', 'registered'],
  [
    'an error page of Entra',
    { body: '"strMessage":"AADSTS50011: The redirect"' },
    'entra',
    'unregistered',
  ],
  ['an app that is not there', { status: 400, body: 'AADSTS700016' }, 'entra', 'refused'],
  [
    'an error page of Keycloak',
    { status: 400, body: 'Invalid parameter: redirect_uri' },
    'oidc',
    'unregistered',
  ],
  ['another error page', { status: 400, body: 'Client disabled' }, 'oidc', 'unknown'],
  ['no endpoint there', { status: 404 }, 'oidc', 'unknown'],
  ['an outage that mentions redirects', { status: 500, body: 'redirect_uri' }, 'oidc', 'unknown'],
  ['a number of Entra at another provider', { body: 'AADSTS50011' }, 'oidc', 'registered'],
]
for (const [name, answer, kind, verdict] of rows) {
  test(`${name}: ${verdict}`, () => assert.equal(judge(answer, kind).kind, verdict))
}
