import type { Principal } from '../access/authenticate.ts'

/** A token answer (RFC 6749 §5.1); always with a refresh token and a whole number of seconds. */
export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly expires_in: number
  readonly refresh_token: string
  readonly scope?: string
}

/** What a token endpoint hands out, and to whom. */
export interface IssuedTokens {
  readonly answer: TokenAnswer
  readonly principal: Principal
}
