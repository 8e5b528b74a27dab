import type { ProviderExplanation, ProviderTrace } from '../../oauth/provider-explanation.ts'

/** The grants that rolecall asks the identity provider's token endpoint for. None ever rejects. */
export interface ProviderGrants {
  /** RFC 6749 §4.1.3 with RFC 7636. `redirectUri` goes out byte for byte as given. */
  redeemCode(request: CodeRedemption): Promise<GrantOutcome>
  /** RFC 6749 §6. */
  refresh(request: RefreshRequest): Promise<GrantOutcome>
}

/** One authorization code, to be redeemed once. */
export interface CodeRedemption {
  readonly code: string
  readonly redirectUri: string
  readonly codeVerifier: string
  /** Sent where the provider's kind wants it named. Absent or empty: none is sent. */
  readonly scope?: readonly string[]
  /** A claims request (OpenID Connect Core §5.5), JSON; sent where the provider takes them. */
  readonly claims?: string | undefined
}

/** One refresh token, to be used once. */
export interface RefreshRequest {
  readonly refreshToken: string
  /** Sent where the provider's kind wants it named. Empty: none is sent. */
  readonly scope: readonly string[]
  /** As {@link CodeRedemption.claims}. */
  readonly claims?: string | undefined
}

/** What came of a grant. Nothing in it but the tokens themselves is a secret. */
export type GrantOutcome =
  | { readonly kind: 'tokens'; readonly tokens: ProviderTokens }
  /** The provider said no to this code or refresh token: an answer of 400 with an OAuth error. */
  | {
      readonly kind: 'refused'
      /** The provider's, made printable. */
      readonly error: string
      readonly suberror?: string
      /** Whether only a user, at the provider's page, can bring a new grant. */
      readonly mustSignIn: boolean
      /** What the next sign-in must ask for (conditional access): a claims request, JSON. */
      readonly claims?: string
      readonly explanation: ProviderExplanation
      readonly trace?: ProviderTrace
    }
  /** Our own credential is wrong or cannot be read: nothing about the grant was decided. */
  | {
      readonly kind: 'misconfigured'
      readonly explanation: ProviderExplanation
      readonly trace?: ProviderTrace
    }
  /** Trouble that may pass; nothing that we know of was decided. */
  | {
      readonly kind: 'unavailable'
      /** For logs: addresses and codes, never a part of a body. */
      readonly reason: string
      /** Whole seconds, at least 1. */
      readonly retryAfter: number
      readonly trace?: ProviderTrace
    }

/** Tokens as the provider gave them out. None was verified; the access token may be opaque. */
export interface ProviderTokens {
  readonly accessToken: string
  readonly refreshToken?: string
  readonly idToken?: string
  /** Whole seconds. */
  readonly expiresIn?: number
}
