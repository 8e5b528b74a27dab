import { type CompactVerifyGetKey, compactVerify, createRemoteJWKSet, customFetch } from 'jose'
import { Agent, fetch as undiciFetch } from 'undici'
import { type ClusterIdentityProvider, TOKEN_ID_EXTRA } from './cluster.ts'

/** A person as the cluster knows them. */
export interface ClusterUser {
  readonly username: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, readonly string[]>>
}

/** A person, or why there is none; the reason is for the audit, callers only hear `Unauthorized`. */
export type Authentication = { readonly user: ClusterUser } | { readonly refused: string }

export interface Authenticator {
  authenticate(authorization: string | undefined): Promise<Authentication>
  close(): Promise<void>
}

/** go-oidc, which a real API server uses, has this leeway for `nbf`, and none for `exp`. */
const NOT_BEFORE_LEEWAY = 60

/**
 * Judges bearers as an API server with structured authentication would: by its own fetch of the
 * provider's keys and its own look at the claims, so that nothing the proxy did or left out is
 * taken on trust.
 */
export function createAuthenticator(provider: ClusterIdentityProvider): Authenticator {
  const agent = new Agent(
    provider.certificateAuthority ? { connect: { ca: provider.certificateAuthority } } : {},
  )
  const keys = createRemoteJWKSet(new URL(provider.jwksUri), {
    cooldownDuration: 0,
    [customFetch]: async (url, { method, headers, signal }) => {
      const answer = await undiciFetch(url, {
        method,
        headers: [...headers],
        signal,
        dispatcher: agent,
      })
      return new Response(await answer.text(), { status: answer.status })
    },
  })
  return {
    authenticate: (authorization) => authenticate(authorization, keys, provider),
    close: () => agent.destroy(),
  }
}

async function authenticate(
  authorization: string | undefined,
  keys: CompactVerifyGetKey,
  provider: ClusterIdentityProvider,
): Promise<Authentication> {
  // The API server's own rule: the scheme in any case, one space, and a token.
  const token = /^bearer ([^ ]+)$/i.exec(authorization ?? '')?.[1]
  if (!token) return { refused: 'no bearer' }
  try {
    const { payload } = await compactVerify(token, keys, { algorithms: ['RS256'] })
    const claims: unknown = JSON.parse(new TextDecoder().decode(payload))
    return userFromClaims(claims, provider, Date.now() / 1000)
  } catch (error) {
    return { refused: `signature: ${error instanceof Error ? error.message : 'not verified'}` }
  }
}

/**
 * The person a verified token speaks for: `upn`, else `oid`. Issuer, audience and tenant must be
 * the configured ones; `exp` has no leeway.
 *
 * @param now seconds since the epoch
 */
export function userFromClaims(
  claims: unknown,
  provider: ClusterIdentityProvider,
  now: number,
): Authentication {
  if (typeof claims !== 'object' || claims === null) return { refused: 'claims: not an object' }
  const { upn, oid, uti, groups, ...judged } = claims as Record<string, unknown>
  const wrong = wrongClaims(judged, provider, now)
  if (wrong.length > 0) return { refused: `claims: ${wrong.join(', ')}` }
  if (typeof oid !== 'string') return { refused: 'claims: oid' }
  const username = typeof upn === 'string' ? upn : oid
  if (username === '' || username.startsWith('system:')) return { refused: 'claims: reserved name' }
  return {
    user: {
      username,
      uid: oid,
      groups: [...strings(groups), 'system:authenticated'],
      extra: typeof uti === 'string' ? { [TOKEN_ID_EXTRA]: [uti] } : {},
    },
  }
}

function wrongClaims(
  { iss, aud, tid, exp, nbf }: Record<string, unknown>,
  provider: ClusterIdentityProvider,
  now: number,
): string[] {
  const started = nbf === undefined || (typeof nbf === 'number' && nbf <= now + NOT_BEFORE_LEEWAY)
  const judgements = {
    iss: iss === provider.issuer,
    aud: [aud].flat().includes(provider.audience),
    tid: tid === provider.tenantId,
    exp: typeof exp === 'number' && exp >= now,
    nbf: started,
  }
  return Object.entries(judgements).flatMap(([claim, good]) => (good ? [] : [claim]))
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
