/** Who can sign in, by their address; passwords are `<name>-pw`. Nobody is in a group. */
const passwordHashes = {
  alice: '$2a$10$uAr.2ElaYoZ6wGihZF9D7O9mBb2xligzR9sOY42ZA3qIcGOTyTWfO',
  bob: '$2a$10$ID0eJlk6brNtROyTrF9CtO25uQCcxQX6pBmHE0fhize.5DNax0Zay',
  carol: '$2a$10$Y/A.TvcUKNYr8zyxFWICz.YGVnIZFyTCqeQdLdN7nxtjvUyH7gbyO',
} as const
export type Person = keyof typeof passwordHashes
export const everybody = Object.keys(passwordHashes) as readonly Person[]

/** The client of the cluster, which its tokens are for. */
export const AUDIENCE = 'kubernetes'
/** What makes dex issue tokens for that client to another one, which it must trust. */
export const AUDIENCE_SCOPE = `audience:server:client_id:${AUDIENCE}`
export const CLIENT = 'rolecall'
/** A client that the cluster's trusts too, and that is not rolecall. */
export const OTHER_CLIENT = 'other-app'
export const SECRET = 'a secret of rolecall at dex'

/** What tests change of a dex. */
export interface DexSettings {
  /** Of the client rolecall. Default: the one that rolecall knows. */
  readonly secret?: string
  /** Somebody who was removed, and whose address another person has now. Default: nobody. */
  readonly replaced?: Person
  /** For how long a used refresh token is still taken. Default: dex's own, three seconds. */
  readonly reuseInterval?: string
}

export interface DexPlace {
  readonly issuer: string
  /** Has the certificate and the key, and gets what dex keeps. */
  readonly folder: string
}

/** How people are called at dex, which has no names without an address. */
export function addressOf(person: Person): string {
  return `${person}@example.test`
}

/** Dex's configuration file. */
export function configurationOf(
  { issuer, folder }: DexPlace,
  { secret = SECRET, replaced, reuseInterval = '3s' }: DexSettings,
): object {
  return {
    issuer,
    storage: { type: 'sqlite3', config: { file: `${folder}/dex.db` } },
    web: {
      https: new URL(issuer).host,
      tlsCert: `${folder}/tls.crt`,
      tlsKey: `${folder}/tls.key`,
    },
    logger: { level: 'warn' },
    expiry: { idTokens: '5m', refreshTokens: { reuseInterval } },
    // The second lets tests have what rolecall hands to nobody: both tokens of one sign-in.
    oauth2: { skipApprovalScreen: true, passwordConnector: 'local' },
    enablePasswordDB: true,
    staticPasswords: everybody.map((person) => ({
      email: addressOf(person),
      username: person,
      userID: person === replaced ? `id-of-another-${person}` : `id-of-${person}`,
      hash: passwordHashes[person],
    })),
    staticClients: [
      client(AUDIENCE, { secret: 'nobody knows', trustedPeers: [CLIENT, OTHER_CLIENT] }),
      // Public lets it come from any port of localhost. Its secret is asked for all the same.
      client(CLIENT, { secret, public: true }),
      client(OTHER_CLIENT, { secret: SECRET }),
    ],
  }
}

function client(id: string, over: object): object {
  return { id, name: id, ...over }
}
