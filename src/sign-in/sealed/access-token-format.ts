import * as z from 'zod'
import type { ResolvedGroups } from '../../access/resolved-groups.ts'
import type {
  BrokerConfig,
  Config,
  ProtectedResource,
  RelayConfig,
  SignInConfig,
} from '../../config/config.ts'
import type { DerivedKeys } from '../../sealing/derived-keys.ts'
import { familyDigest } from '../sessions/family-digest.ts'
import { type SealedFor, sealAccessToken } from './sealed-access-token.ts'

/** What clients get, as `sign_in.tokens` has it: sealed tokens, or the identity provider's own. */
export const accessTokenFormatShape = z.enum(['sealed', 'passthrough'])
export type AccessTokenFormat = z.infer<typeof accessTokenFormatShape>

/** The session in which a token is handed out. */
export interface HandedOutIn {
  /** Of a token that leaves its user's groups out, where they were asked for. */
  readonly groups?: ResolvedGroups | undefined
  readonly family: string
  /** Milliseconds since the epoch. */
  readonly began: number
  /** The client's id. */
  readonly client: string
  readonly clientName?: string | undefined
}

type Served = Pick<ProtectedResource, 'name' | 'path'>

/**
 * The token as clients get it.
 *
 * @param token what goes upstream, judged
 * @param resources what the sign-in was for; it and the session matter where tokens are sealed
 */
export type FormatAccessToken = (
  token: string,
  resources: readonly Served[],
  session: HandedOutIn,
) => Promise<string>

/** Whether clients hold sealed tokens, and resources take nothing else. */
export function takesSealedTokens(signIn: SignInConfig): boolean {
  return signIn.mode !== 'off' && signIn.tokens === 'sealed'
}

/** As `sign_in.tokens` has it: sealed, or the identity provider's own. */
export function accessTokenFormatter(
  config: Pick<Config, 'public_url'> & { readonly sign_in: RelayConfig | BrokerConfig },
  keys: DerivedKeys,
): FormatAccessToken {
  if (!takesSealedTokens(config.sign_in)) return (token) => Promise.resolve(token)
  const ring = keys.for('access token')
  return (token, resources, { family, began, client: id, clientName: name, groups }) => {
    const audience = resources.map((resource) => sealedFor(resource, config))
    const client = { id, ...(name !== undefined && { name }) }
    const session = { family: familyDigest(family), began, client }
    return sealAccessToken({ token, audience, session, groups }, ring)
  }
}

/** A resource as sealed tokens name it. */
export function sealedFor(
  { name, path }: Served,
  { public_url: publicUrl }: Pick<Config, 'public_url'>,
): SealedFor {
  return { name, url: publicUrl + path }
}
