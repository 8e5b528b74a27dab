import type { BrokerConfig } from '../../config/config.ts'
import { readParameters, required } from '../../oauth/parameters.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import type { BrokerResource } from '../broker-context.ts'
import { authenticateClient, checkOwner } from '../clients/client-authentication.ts'
import { type PresentedClient, readClient } from '../clients/client-credentials.ts'
import { readRefreshToken } from '../sealed/refresh-token.ts'
import type { SignInTrail } from '../sign-in-trail.ts'
import type { SingleUse } from '../single-use/single-use.ts'
import { sessionEnd } from './session-checks.ts'

/** A revocation request whose form is right (RFC 7009 §2.1). The hint at the kind is not needed. */
export interface RevocationRequest {
  readonly client: PresentedClient
  readonly token: string
}

/** What the revocation endpoint of one resource works with. */
export interface RevocationParts {
  readonly config: { readonly sign_in: BrokerConfig }
  readonly resource: BrokerResource
  /** Those of purpose `refresh token`. */
  readonly keys: KeyRing
  readonly singleUse: SingleUse
  readonly trail: SignInTrail
}

/**
 * @param body the form as it came
 * @param authorization every Authorization value as it came
 * @throws ErrorAnswer 400 or 401
 */
export function readRevocationRequest(
  body: string,
  authorization: readonly string[],
): RevocationRequest {
  const form = readParameters(body, { from: 'form' })
  return { client: readClient(authorization, form), token: required(form, 'token') }
}

/**
 * Ends the sign-in that a refresh token came of: no refresh token of it is taken any more, in this
 * process, and with a store in all; sealed access tokens end with it. Every other text is no token to us,
 * and nothing happens (RFC 7009 §2.2).
 *
 * @throws ErrorAnswer for a client or a resource that the token was not made for, and 503 when the
 *   store cannot be reached
 */
export async function revoke(
  { client, token }: RevocationRequest,
  { config, resource, keys, singleUse, trail }: RevocationParts,
): Promise<void> {
  const session = await readRefreshToken(token, keys)
  trail.resource = resource.resource.name
  if (session) {
    trail.client = { id: session.client, name: session.clientName }
    trail.user = session.userName
    await checkOwner(session, client, resource)
    await singleUse.endFamily(session.family, sessionEnd(session, config.sign_in))
  } else if (client.ids.length > 0) {
    await authenticateClient(client, resource)
  }
}
