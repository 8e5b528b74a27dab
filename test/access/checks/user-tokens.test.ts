import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourcePolicy } from '../../../src/access/policy.ts'
import { refusalResponse } from '../../../src/access/refusal-response.ts'
import type { OidcConfig, ResourceConfig } from '../../../src/config/config.ts'
import {
  entraHeader,
  entraPolicy,
  type Members,
  now,
  oidcPolicy,
  principalOf,
  refusalOf,
  signedToken,
  tenant,
} from '../judged-tokens.ts'

/** Tokens as each provider makes them for a user, and for an application: only the first pass. */
interface Shape {
  readonly claims: Members
  /** What this provider needs beside `issuer`. */
  readonly resource?: Partial<ResourceConfig>
  readonly provider?: Partial<OidcConfig>
  readonly kind?: 'entra'
}

const second = now / 1000
const times = { iat: second - 10, exp: second + 300 }
const guid = {
  aks: '6dae42f8-4368-4678-94ff-3960e28e3630',
  app: 'c0ffee00-1111-4222-8333-444455556666',
  object: '0a0a0a0a-0000-4000-8000-00000000a11c',
}

const issuers = {
  keycloak: 'https://sso.example.com/realms/main',
  auth0: 'https://example.eu.auth0.com/',
  okta: 'https://example.okta.com/oauth2/aus1',
  entraV1: `https://sts.windows.net/${tenant}/`,
  entraV2: `https://login.microsoftonline.com/${tenant}/v2.0`,
  cognito: 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc',
  spring: 'https://auth.example.com',
  dex: 'https://dex.example.com/dex',
  zitadel: 'https://example.zitadel.cloud',
  adfs: 'http://adfs.example.com/adfs/services/trust',
  authentik: 'https://authentik.example.com/application/o/kubernetes/',
  google: 'https://accounts.google.com',
  uaa: 'https://uaa.example.com/oauth/token',
  wso2: 'https://localhost:9443/oauth2/token',
  fusion: 'https://fusion.example.com',
  hydra: 'https://hydra.example.com/',
  kubernetes: 'https://kubernetes.default.svc.cluster.local',
}

const keycloakUser: Members = {
  iss: issuers.keycloak,
  aud: ['kubernetes', 'account'],
  azp: 'rolecall',
  typ: 'Bearer',
  sub: '5b1c7a52-4c1e-4d2f-9a7b-8c9d0e1f2a3b',
  sid: 'd2a4',
  jti: 'onrtac:1',
  acr: '1',
  realm_access: { roles: ['offline_access'] },
  scope: 'openid email profile',
  preferred_username: 'alice',
  email: 'alice@example.com',
  email_verified: true,
}
const keycloakService: Members = {
  iss: issuers.keycloak,
  aud: ['kubernetes', 'account'],
  azp: 'ci',
  typ: 'Bearer',
  sub: '9c2d7a52-4c1e-4d2f-9a7b-8c9d0e1f2a3b',
  jti: 'trrtcc:1',
  scope: 'email profile',
  clientHost: '10.0.0.7',
  clientAddress: '10.0.0.7',
  client_id: 'ci',
}
const auth0User: Members = {
  iss: issuers.auth0,
  aud: ['kubernetes', 'https://example.eu.auth0.com/userinfo'],
  azp: 'rolecall',
  sub: 'auth0|63f1',
  scope: 'openid profile offline_access',
}
const oktaUser: Members = {
  ver: 1,
  iss: issuers.okta,
  aud: 'kubernetes',
  cid: 'rolecall',
  uid: '00u1abcd',
  scp: ['openid', 'profile'],
  sub: 'alice@example.com',
  auth_time: second - 20,
}
const entraUser: Members = {
  iss: issuers.entraV1,
  aud: guid.aks,
  appid: guid.app,
  appidacr: '1',
  oid: guid.object,
  sub: 'pairwise-alice',
  tid: tenant,
  scp: 'user.read',
  roles: ['Reader'],
  upn: 'alice@contoso.com',
  ver: '1.0',
}
/** As measured: neither `idtyp` nor `roles`. */
const entraServiceV2: Members = {
  iss: issuers.entraV2,
  aud: guid.aks,
  azp: guid.app,
  azpacr: '1',
  oid: guid.object,
  sub: guid.object,
  tid: tenant,
  uti: 'x',
  ver: '2.0',
}
const entraServiceV1: Members = {
  iss: issuers.entraV1,
  aud: guid.aks,
  appid: guid.app,
  appidacr: '1',
  idp: issuers.entraV1,
  oid: guid.object,
  sub: guid.object,
  tid: tenant,
  roles: ['Reader'],
  ver: '1.0',
}
const entraAsOidc = { allowed_clients: [guid.app], audiences: [guid.aks] }
const adfsUser: Members = {
  iss: issuers.adfs,
  aud: 'microsoft:identityserver:kubernetes',
  appid: 'rolecall',
  apptype: 'Confidential',
  authmethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
  auth_time: '2025-10-09T08:53:10.123Z',
  ver: '1.0',
  scp: 'openid',
  upn: 'alice@example.com',
}
const adfs = {
  resource: { audiences: ['microsoft:identityserver:kubernetes'] },
  provider: { user_claim: 'upn' },
}
const idToken: Partial<ResourceConfig> = { token_kind: 'id_token', audiences: ['rolecall'] }

const users: Readonly<Record<string, Shape>> = {
  'Keycloak, a user': { claims: keycloakUser },
  'Keycloak, a user with roles of their own at the top': {
    claims: { ...keycloakUser, roles: ['admin'] },
  },
  'Keycloak before Entra, with its tid and oid': {
    claims: { ...keycloakUser, roles: ['admin'], tid: tenant, oid: guid.object },
  },
  'Keycloak, a user called service': {
    claims: { ...keycloakUser, preferred_username: 'my-service-account' },
  },
  'Auth0, a user': { claims: auth0User },
  'Auth0, a user by password': { claims: { ...auth0User, gty: 'password' } },
  'Auth0 in the profile of RFC 9068, a user': {
    claims: { ...auth0User, azp: undefined, client_id: 'rolecall', jti: 'x' },
  },
  'Auth0, a user of a connection called clients': {
    claims: { ...auth0User, sub: 'clients|alice' },
  },
  'Okta, a user': { claims: oktaUser },
  'Entra v1 as oidc, a user with a role': { claims: entraUser, resource: entraAsOidc },
  'Entra v2 as oidc, a user': {
    claims: {
      ...entraUser,
      iss: issuers.entraV2,
      appid: undefined,
      appidacr: undefined,
      azp: guid.app,
      azpacr: '0',
      upn: undefined,
      preferred_username: 'alice@contoso.com',
    },
    resource: entraAsOidc,
  },
  'Entra as oidc, the ID token of a user with a role': {
    claims: {
      iss: issuers.entraV2,
      aud: 'rolecall',
      oid: guid.object,
      sub: 'pairwise-alice',
      tid: tenant,
      roles: ['Reader'],
      preferred_username: 'alice@contoso.com',
    },
    resource: idToken,
  },
  'Entra, a user': { claims: entraUser, kind: 'entra' },
  'Entra, a guest': {
    claims: { ...entraUser, upn: undefined, idp: 'https://sts.windows.net/other/' },
    kind: 'entra',
  },
  'Entra, a user told by idtyp': { claims: { ...entraUser, idtyp: 'user' }, kind: 'entra' },
  'Cognito, a user': {
    claims: {
      iss: issuers.cognito,
      aud: 'kubernetes',
      sub: 'a1b2',
      client_id: 'rolecall',
      token_use: 'access',
      'cognito:groups': ['ops'],
      scope: 'openid',
      username: 'alice',
    },
  },
  'Spring, a user': {
    claims: { iss: issuers.spring, aud: 'messaging-client', sub: 'alice', scope: ['openid'] },
    resource: { audiences: ['messaging-client'], allowed_clients: 'any' },
  },
  'Dex, a user': {
    claims: { iss: issuers.dex, aud: 'rolecall', sub: 'CgVhbGljZQ', email: 'alice@example.com' },
    resource: idToken,
  },
  'Zitadel, a user': {
    claims: {
      iss: issuers.zitadel,
      aud: ['kubernetes', '2634@project'],
      sub: '163840776835432705',
      client_id: 'rolecall',
    },
  },
  'AD FS, a user without sub': { claims: adfsUser, ...adfs },
  'Authentik, a user': {
    claims: {
      iss: issuers.authentik,
      aud: 'kubernetes',
      azp: 'rolecall',
      sub: 'ab12',
      preferred_username: 'alice',
    },
  },
  'Descope, a user with roles': {
    claims: {
      iss: 'https://api.descope.com/P2',
      aud: 'kubernetes',
      azp: 'rolecall',
      sub: 'U2abc',
      amr: ['oauth'],
      drn: 'DS',
      roles: ['admin'],
    },
  },
  'Casdoor, a user': {
    claims: {
      iss: 'https://door.example.com',
      aud: 'kubernetes',
      azp: 'rolecall',
      sub: 'a1b2',
      name: 'alice',
      type: 'normal-user',
      roles: ['ops'],
    },
  },
  'ForgeRock, a user': {
    claims: {
      iss: 'https://am.example.com/am/oauth2',
      aud: 'kubernetes',
      client_id: 'rolecall',
      sub: '(usr!alice)',
      subname: 'alice',
    },
  },
  'GitLab, a user': {
    claims: {
      iss: 'https://gitlab.example.com',
      aud: 'rolecall',
      sub: '42',
      auth_time: second - 20,
      nickname: 'alice',
      groups_direct: ['group'],
    },
    resource: idToken,
  },
  'Google, a user': {
    claims: {
      iss: issuers.google,
      aud: 'rolecall',
      azp: 'rolecall',
      sub: '1098765',
      email: 'alice@example.com',
      hd: 'example.com',
    },
    resource: idToken,
  },
  'Cloud Foundry UAA, a user': {
    claims: {
      iss: issuers.uaa,
      aud: ['kubernetes'],
      azp: 'rolecall',
      sub: 'a1b2',
      grant_type: 'authorization_code',
    },
  },
  'WSO2, a user': {
    claims: {
      iss: issuers.wso2,
      aud: 'kubernetes',
      azp: 'rolecall',
      sub: 'alice',
      aut: 'APPLICATION_USER',
    },
  },
}

const applications: Readonly<Record<string, Shape & { readonly mark: RegExp }>> = {
  'Keycloak, a service account': {
    claims: { ...keycloakService, preferred_username: 'service-account-ci' },
    mark: /preferred_username is that of a service account/,
  },
  'Keycloak, a service account without preferred_username': {
    claims: keycloakService,
    mark: /clientHost and clientAddress are of service accounts/,
  },
  'Keycloak, a service account that tells its address alone': {
    claims: { ...keycloakUser, preferred_username: undefined, clientAddress: null },
    mark: /clientHost and clientAddress/,
  },
  'Keycloak, a service account in capitals': {
    claims: { ...keycloakUser, preferred_username: 'Service-Account-CI' },
    mark: /preferred_username/,
  },
  'Auth0, client credentials': {
    claims: { ...auth0User, azp: 'ci', sub: 'ci@clients', gty: 'client-credentials' },
    mark: /client credentials grant/,
  },
  'Auth0 in the profile of RFC 9068, client credentials': {
    claims: { ...auth0User, azp: undefined, client_id: 'ci', sub: 'ci@clients' },
    mark: /subject is a client/,
  },
  'Auth0 without a client at all': {
    claims: { ...auth0User, azp: undefined, sub: 'ci@clients' },
    mark: /subject is a client/,
  },
  'Okta, client credentials': {
    claims: { ...oktaUser, uid: undefined, cid: '0oa1', sub: '0oa1', scp: ['kube'] },
    mark: /subject is a client/,
  },
  'Entra v1 as oidc': {
    claims: { ...entraServiceV1, sub: 'pairwise' },
    resource: entraAsOidc,
    mark: /no scp, as application tokens of Entra/,
  },
  'Entra v2 as oidc, without idtyp and roles': {
    claims: entraServiceV2,
    resource: entraAsOidc,
    mark: /no scp, as application tokens of Entra/,
  },
  'Entra v2 as oidc where ID tokens are asked for': {
    claims: entraServiceV2,
    resource: { ...entraAsOidc, token_kind: 'id_token' },
    mark: /no scp, as application tokens of Entra/,
  },
  'Entra as oidc behind another issuer, by its claims alone': {
    claims: { iss: issuers.spring, aud: guid.aks, sub: 'x', oid: 'y', tid: tenant, roles: ['a'] },
    resource: entraAsOidc,
    mark: /no scp, as application tokens of Entra/,
  },
  'roles and nothing of a user': {
    claims: { iss: issuers.spring, aud: 'kubernetes', azp: 'rolecall', sub: 'x', roles: ['a'] },
    mark: /no scp, as application tokens of Entra/,
  },
  'Entra as oidc with idtyp': {
    claims: { ...entraUser, idtyp: 'app' },
    resource: entraAsOidc,
    mark: /idtyp is app/,
  },
  'Entra, v2 without idtyp': {
    claims: entraServiceV2,
    kind: 'entra',
    mark: /no scp/,
  },
  'Entra, v1 with a role': { claims: entraServiceV1, kind: 'entra', mark: /no scp/ },
  'Entra, idtyp beside scp': {
    claims: { ...entraUser, idtyp: 'app' },
    kind: 'entra',
    mark: /idtyp is app/,
  },
  'Cognito, client credentials': {
    claims: {
      iss: issuers.cognito,
      aud: 'kubernetes',
      sub: '7abc',
      client_id: '7abc',
      token_use: 'access',
    },
    mark: /subject is a client/,
  },
  'Spring, client credentials': {
    claims: { iss: issuers.spring, aud: 'kubernetes', sub: 'kubernetes', scope: ['kube'] },
    mark: /subject is a client/,
  },
  'a subject made of its client': {
    claims: { ...oktaUser, cid: 'ci', sub: 'client:ci' },
    mark: /subject is a client/,
  },
  'a subject that is rolecall itself': {
    claims: { ...keycloakUser, azp: 'other', sub: 'rolecall' },
    mark: /subject is a client/,
  },
  'a subject that is the client of client_claim': {
    claims: { ...keycloakUser, azp: undefined, app: 'ci', sub: 'CI' },
    provider: { client_claim: 'app' },
    mark: /subject is a client/,
  },
  'Hydra, client credentials': {
    claims: { iss: issuers.hydra, aud: ['kubernetes'], client_id: 'ci', sub: 'ci', scp: ['a'] },
    mark: /subject is a client/,
  },
  'Authentik, client credentials': {
    claims: {
      iss: issuers.authentik,
      aud: 'kubernetes',
      azp: 'ci',
      sub: 'ab12',
      preferred_username: 'ak-kubernetes-client_credentials',
    },
    mark: /preferred_username/,
  },
  'Google, a service account': {
    claims: {
      iss: issuers.google,
      aud: 'rolecall',
      azp: '1137',
      sub: '1138',
      email: 'ci@project.iam.gserviceaccount.com',
    },
    resource: { ...idToken, allowed_clients: 'any' },
    mark: /service account of Google/,
  },
  'Cloud Foundry UAA, client credentials': {
    claims: { ...keycloakUser, iss: issuers.uaa, grant_type: 'client_credentials' },
    mark: /client credentials grant/,
  },
  'FusionAuth, client credentials': {
    claims: { ...keycloakUser, iss: issuers.fusion, gty: ['client_credentials'] },
    mark: /client credentials grant/,
  },
  'WSO2, client credentials': {
    claims: { ...keycloakUser, iss: issuers.wso2, aut: 'APPLICATION' },
    mark: /calls itself that of an application/,
  },
  'Casdoor, client credentials': {
    claims: {
      ...keycloakUser,
      preferred_username: undefined,
      iss: 'https://door.example.com',
      sub: 'admin/ci',
      name: 'ci',
      type: 'application',
    },
    mark: /calls itself that of an application/,
  },
  'ForgeRock, client credentials': {
    claims: {
      iss: 'https://am.example.com/am/oauth2',
      aud: 'kubernetes',
      sub: '(age!ci)',
      subname: 'ci',
    },
    mark: /subject is a client/,
  },
  'GitLab, a job that asked for our audience': {
    claims: {
      iss: 'https://gitlab.example.com',
      aud: 'rolecall',
      sub: 'project_path:group/project:ref_type:branch:ref:main',
      user_login: 'alice',
      user_email: 'alice@example.com',
      job_id: '1',
      pipeline_id: '2',
    },
    resource: idToken,
    mark: /subject is a job/,
  },
  'GitLab, a job whose subject was made another': {
    claims: {
      iss: 'https://gitlab.example.com',
      aud: 'rolecall',
      sub: '42',
      pipeline_id: '2',
    },
    resource: idToken,
    mark: /subject is a job/,
  },
  'GitHub Actions, a job': {
    claims: {
      iss: 'https://token.actions.githubusercontent.com',
      aud: 'rolecall',
      sub: 'repo:example/app:ref:refs/heads/main',
      actor: 'alice',
      job_workflow_ref: 'example/app/.github/workflows/ci.yml@refs/heads/main',
    },
    resource: idToken,
    mark: /subject is a job/,
  },
  'SPIFFE, a workload': {
    claims: { iss: 'https://spire.example.com', aud: 'rolecall', sub: 'spiffe://example/ns/ci' },
    resource: idToken,
    mark: /subject is a job or a workload/,
  },
  'a service account of Kubernetes': {
    claims: {
      iss: issuers.kubernetes,
      aud: ['kubernetes'],
      sub: 'system:serviceaccount:default:ci',
    },
    resource: { allowed_clients: 'any' },
    mark: /service account of Kubernetes/,
  },
  'idtyp in a list': { claims: { ...keycloakUser, idtyp: ['APP'] }, mark: /idtyp is app/ },
  'two grants in one text': {
    claims: { ...keycloakUser, gty: 'client-credentials refresh_token' },
    mark: /client credentials grant/,
  },
  'aut in a list': { claims: { ...keycloakUser, aut: ['APPLICATION'] }, mark: /calls itself/ },
  'the name of a service account in a list': {
    claims: { ...keycloakUser, preferred_username: ['service-account-ci'] },
    mark: /that of a service account/,
  },
  'the name of a service account in username': {
    claims: { ...keycloakUser, username: 'Service-Account-ci' },
    mark: /that of a service account/,
  },
  'an address of Google in a list': {
    claims: { ...keycloakUser, email: ['ci@example.iam.gserviceaccount.com'] },
    mark: /service account of Google/,
  },
  'a pod by the claims of Kubernetes': {
    claims: { ...keycloakUser, 'kubernetes.io': { namespace: 'default' } },
    mark: /service account of Kubernetes/,
  },
}

function policyOf({ claims, kind, resource = {}, provider = {} }: Shape): ResourcePolicy {
  if (kind === 'entra') return entraPolicy(resource)
  return oidcPolicy({ token_issuers: [String(claims['iss'])], ...resource }, provider)
}

const token = ({ claims }: Shape) => signedToken(entraHeader, { ...times, ...claims })

for (const [shape, row] of Object.entries(users)) {
  test(`passes: ${shape}`, async () => {
    await principalOf(token(row), policyOf(row))
  })
}

for (const [shape, row] of Object.entries(applications)) {
  test(`is of an application: ${shape}`, async () => {
    const policy = { ...policyOf(row), clients: 'any' } as const
    const refusal = await refusalOf(token(row), policy)
    assert.equal(refusal.reason, 'app_token', JSON.stringify(refusal))
    const { status, description } = refusalResponse(refusal)
    assert.equal(status, 401)
    assert.match(description, /^This is a token of an application, not of a user: /)
    assert.match(description, row.mark)
    assert.match(description, /allow_app_tokens\.$/)
    await principalOf(token(row), { ...policy, allowAppTokens: true })
  })
}

test('a token without sub is of whom user_claim names, and of nobody without it', async () => {
  const row = { claims: adfsUser, ...adfs }
  const principal = await principalOf(token(row), policyOf(row))
  const { iss } = adfsUser
  assert.deepEqual(principal.identity, {
    iss,
    sub: '',
    user: 'alice@example.com',
    azp: 'rolecall',
    token_id: principal.identity.token_id,
  })
  const bob = { ...row, claims: { ...adfsUser, upn: 'bob@example.com' } }
  const other = await principalOf(token(bob), policyOf(bob))
  assert.notEqual(principal.userKey, other.userKey)

  for (const [rule, claims, provider] of [
    ['an application of AD FS', { ...adfsUser, upn: undefined }, adfs.provider],
    ['nothing was chosen', { ...adfsUser, preferred_username: 'alice' }, {}],
    ['sub was chosen', adfsUser, { user_claim: 'sub' }],
    [
      'an address is not verified',
      { ...adfsUser, email: 'a@b.example', email_verified: false },
      { user_claim: 'email' },
    ],
  ] as const) {
    const refusal = await refusalOf(token({ claims }), policyOf({ ...adfs, claims, provider }))
    assert.equal(refusal.reason, 'no_subject', rule)
    assert.match(refusalResponse(refusal).description, /client scope basic.*user_claim/)
  }
})

test('at Entra a token without sub is nobody’s, and its provider is not told of Keycloak', async () => {
  const claims = { ...times, ...entraUser, sub: undefined }
  const refusal = await refusalOf(signedToken(entraHeader, claims), entraPolicy())
  assert.equal(
    refusalResponse(refusal).description,
    'The token has no subject (sub), so it does not say whose it is.',
  )
})
