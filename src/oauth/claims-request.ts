import * as z from 'zod'

/** Characters: in a cookie and in addresses there is room for no more. */
export const LONGEST_CLAIMS_REQUEST = 1_500

/** Why something is none, for the words of a refusal. */
export const NO_CLAIMS_REQUEST = `claims is not a claims request (OpenID Connect Core 5.5): JSON of at most ${LONGEST_CLAIMS_REQUEST} characters, with access_token, id_token or userinfo.`

const name = z.string().regex(/^[\w.:-]{1,64}$/)
const scalar = z.union([z.string().max(256), z.number(), z.boolean()])
const wanted = z.union([
  z.null(),
  z.strictObject({
    essential: z.boolean().optional(),
    value: scalar.optional(),
    values: z.array(scalar).max(50).optional(),
  }),
])
const place = z.record(name, wanted).optional()
const requestShape = z.strictObject({ access_token: place, id_token: place, userinfo: place })

/** How a client says that it can do continuous access evaluation. */
const CLIENT_CAPABILITIES = 'xms_cc'

/**
 * A claims request (OpenID Connect Core §5.5) as it may be passed on: what a claims challenge of Entra
 * asks for (`acrs`, `nbf`, `capolids` …), written anew, so that nobody reads another thing in it.
 *
 * Client capabilities (`xms_cc`) are taken out: with them Entra issues tokens for a day, for resources
 * that ask about each of them, and a Kubernetes API server does not.
 *
 * Not checked: that the provider knows these claims.
 *
 * @param text JSON
 * @returns JSON; empty for a request that asks for nothing; `undefined` for what is none, or is longer
 *   than {@link LONGEST_CLAIMS_REQUEST}
 */
export function readClaimsRequest(text: string): string | undefined {
  if (text.length > LONGEST_CLAIMS_REQUEST) return undefined
  const read = requestShape.safeParse(parsed(text)).data
  if (!read) return undefined
  const { access_token: access, ...rest } = read
  const { [CLIENT_CAPABILITIES]: _, ...asked } = access ?? {}
  const request = { access_token: asked, ...rest }
  const places = Object.entries(request).filter(
    ([, claims]) => Object.keys(claims ?? {}).length > 0,
  )
  return places.length === 0 ? '' : JSON.stringify(Object.fromEntries(places))
}

/** The same out of a challenge, where it is base64 or base64url. */
export function readEncodedClaims(encoded: string): string | undefined {
  return readClaimsRequest(Buffer.from(encoded, 'base64').toString())
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
