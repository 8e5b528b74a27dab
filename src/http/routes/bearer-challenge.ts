import type { Refusal } from '../../access/refusal.ts'
import { type RefusalResponse, refusalResponse } from '../../access/refusal-response.ts'
import type { Config, ProtectedResource } from '../../config/config.ts'
import { bearerChallenge } from '../../oauth/challenge.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { resourceMetadataUrl } from '../../oauth/metadata/resource-metadata.ts'
import type { SignInFacts } from '../../sign-in/metadata.ts'

/** How one resource's refusals are answered, with its challenge. */
export interface Refusals {
  answer(refusal: Refusal): ErrorAnswer
  /** @param claims base64 of JSON, as the upstream wrote it */
  wantClaims(claims: string): ErrorAnswer
}

/** The resource that refuses, and what its challenges say. */
export interface RefusingResource {
  readonly resource: Pick<ProtectedResource, 'path' | 'required_scopes'>
  readonly signIn: Pick<SignInFacts, 'scopes' | 'stepsUp'>
}

/** The refusals of one resource: its metadata URL and scopes stand in each challenge. */
export function refusals(
  { resource, signIn }: RefusingResource,
  config: Pick<Config, 'public_url'>,
): Refusals {
  const resourceMetadata = resourceMetadataUrl(config.public_url, resource.path)
  const challenge = (answer: Pick<RefusalResponse, 'challenge' | 'description'>): string =>
    bearerChallenge({
      resourceMetadata,
      scope: answer.challenge === 'insufficient_scope' ? resource.required_scopes : signIn.scopes,
      ...(answer.challenge === 'plain'
        ? {}
        : { error: answer.challenge, errorDescription: answer.description }),
    })
  const challenges = ({ challenge: kind }: RefusalResponse): boolean =>
    kind !== 'none' && (kind !== 'insufficient_scope' || signIn.stepsUp)
  return {
    answer(refusal) {
      const answer = refusalResponse(refusal)
      return new ErrorAnswer({
        ...answer,
        reason: refusal.reason,
        headers: {
          ...(challenges(answer) ? { 'www-authenticate': challenge(answer) } : {}),
          ...(answer.retryAfter === undefined ? {} : { 'retry-after': String(answer.retryAfter) }),
        },
      })
    },
    wantClaims(claims) {
      const description = 'The MCP server wants a token with other claims; sign in again.'
      return new ErrorAnswer({
        status: 401,
        error: 'insufficient_claims',
        description,
        headers: {
          'www-authenticate': bearerChallenge({
            resourceMetadata,
            scope: signIn.scopes,
            error: 'insufficient_claims',
            errorDescription: description,
            claims,
          }),
        },
      })
    },
  }
}
