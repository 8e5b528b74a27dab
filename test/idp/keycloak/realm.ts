/** Who is in the realm, and in which groups. Passwords are `<name>-pw`. */
export const people = { alice: ['team-a'], bob: ['team-b'], carol: [] } as const
export type Person = keyof typeof people

export const REALM = 'rolecall'
/** Whom access tokens are for, where the client has the mapper for it. */
export const AUDIENCE = 'kubernetes'
export const SECRET = 'a secret of rolecall at Keycloak'

type Representation = Readonly<Record<string, unknown>>

/** A realm as people set it up for this, and clients that lack something. */
export function realm(): Representation {
  return {
    realm: REALM,
    enabled: true,
    accessTokenLifespan: 300,
    // What is asked of it can be counted.
    eventsEnabled: true,
    enabledEventTypes: ['CODE_TO_TOKEN', 'REFRESH_TOKEN', 'REFRESH_TOKEN_ERROR'],
    groups: [{ name: 'team-a' }, { name: 'team-b' }],
    users: Object.entries(people).map(([name, groups]) => user(name, groups)),
    clients: [
      client('rolecall', {
        protocolMappers: [audienceMapper, groupsMapper],
        // For tests that need what rolecall hands to nobody: the ID token.
        directAccessGrantsEnabled: true,
      }),
      client('without-mapper', { protocolMappers: [groupsMapper] }),
      client('without-audience', { protocolMappers: [groupsMapper], fullScopeAllowed: false }),
      client('lightweight', {
        protocolMappers: [audienceMapper],
        attributes: { 'client.use.lightweight.access.token.enabled': 'true' },
      }),
      client('es256', {
        protocolMappers: [audienceMapper],
        attributes: { 'access.token.signed.response.alg': 'ES256' },
      }),
      client('service', { protocolMappers: [audienceMapper], serviceAccountsEnabled: true }),
      // Without the scope profile its service account has no preferred_username.
      client('nameless-service', {
        protocolMappers: [audienceMapper],
        serviceAccountsEnabled: true,
        defaultClientScopes: ['basic', 'roles', 'service_account'],
      }),
      client('without-basic', {
        protocolMappers: [audienceMapper],
        defaultClientScopes: ['profile', 'roles'],
      }),
      client('changed', { protocolMappers: [audienceMapper] }),
    ],
  }
}

function user(name: string, groups: readonly string[]): Representation {
  return {
    username: name,
    enabled: true,
    email: `${name}@example.test`,
    emailVerified: true,
    firstName: name,
    lastName: 'Example',
    credentials: [{ type: 'password', value: `${name}-pw`, temporary: false }],
    groups: groups.map((group) => `/${group}`),
    realmRoles: [`default-roles-${REALM}`],
  }
}

function client(id: string, over: Representation): Representation {
  return {
    clientId: id,
    secret: SECRET,
    enabled: true,
    protocol: 'openid-connect',
    publicClient: false,
    standardFlowEnabled: true,
    // Any port: loopback of RFC 8252 §7.3.
    redirectUris: ['http://localhost/oauth/callback'],
    ...over,
    attributes: { 'pkce.code.challenge.method': 'S256', ...Object(over['attributes']) },
  }
}

/** Without it no access token is for anybody but the account page. */
const audienceMapper = {
  name: 'audience',
  protocol: 'openid-connect',
  protocolMapper: 'oidc-audience-mapper',
  config: { 'included.custom.audience': AUDIENCE, 'access.token.claim': 'true' },
}

const groupsMapper = {
  name: 'groups',
  protocol: 'openid-connect',
  protocolMapper: 'oidc-group-membership-mapper',
  config: {
    'claim.name': 'groups',
    'full.path': 'false',
    'access.token.claim': 'true',
    'id.token.claim': 'true',
  },
}
