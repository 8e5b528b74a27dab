import type { Identity } from '../../oauth/identity.ts'
import type { ProviderExplanation, ProviderTrace } from '../../oauth/provider-explanation.ts'

/** A token answer (RFC 6749 §5.1), always with a whole number of seconds. */
export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly expires_in: number
  /** Absent where the identity provider gave none at sign-in: one of ours could only fail. */
  readonly refresh_token?: string
  readonly scope?: string
}

/** What a token endpoint hands out, and to whom. Plain data: a store can keep it. */
export interface IssuedTokens {
  readonly answer: TokenAnswer
  /** For the log. */
  readonly identity: Identity
  /** For the log: what somebody has to mend, although there are tokens. */
  readonly notice?: {
    readonly reason: string
    readonly explanation: ProviderExplanation
    readonly trace?: ProviderTrace
  }
}
