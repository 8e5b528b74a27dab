import { createHash, randomBytes } from 'node:crypto'
import type { Discovered } from './discovery.ts'

/** A sign-in that a popup was opened for; the verifier never leaves the backend. */
export interface PendingSignIn {
  readonly state: string
  readonly verifier: string
  readonly redirectUri: string
  /** Where the popup goes. */
  readonly authorizeUrl: string
}

/** What the authorize request is made of. */
export interface SignInRequest {
  readonly discovered: Discovered
  readonly clientId: string
  readonly redirectUri: string
  /** Absent: no `resource` is sent. */
  readonly resource?: string
  /** The account is asked for, although somebody is signed in. HolmesGPT has no such thing. */
  readonly picksAccount: boolean
}

/**
 * Makes state, a PKCE pair (S256, a verifier of 128 characters) and the authorize URL with
 * HolmesGPT's parameters in its order: no nonce, and else no prompt.
 */
export function beginSignIn(request: SignInRequest): PendingSignIn {
  const { discovered, clientId, redirectUri, resource, picksAccount } = request
  const state = randomBytes(32).toString('base64url')
  const verifier = randomBytes(96).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state,
    ...(discovered.scopes ? { scope: discovered.scopes.join(' ') } : {}),
    ...(resource === undefined ? {} : { resource }),
    ...(picksAccount ? { prompt: 'select_account' } : {}),
  })
  const authorizeUrl = `${discovered.authorizationEndpoint}?${query}`
  return { state, verifier, redirectUri, authorizeUrl }
}
