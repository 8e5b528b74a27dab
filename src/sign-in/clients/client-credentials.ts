import { invalidClient, invalidRequest } from '../../oauth/errors.ts'
import type { OAuthParameters } from '../../oauth/parameters.ts'
import { equal } from '../../sealing/digest.ts'

/** Who a client says it is at a token endpoint. Nothing of it is checked. */
export interface PresentedClient {
  /** Absent: it did not say. */
  readonly ids: readonly string[]
  readonly secrets: readonly string[]
  readonly byHeader: boolean
}

/**
 * Reads the client's id and secret (RFC 6749 §2.3.1). With Basic the id may stand in the form too,
 * as HolmesGPT sends it. RFC 6749 form-encodes both halves of Basic, and HolmesGPT does not: each
 * reading counts as presented, and the one that fits is taken.
 *
 * @param authorization every Authorization value as it came
 * @throws ErrorAnswer 400 for two ways at once, 401 for a header that is not Basic
 */
export function readClient(
  authorization: readonly string[],
  form: Pick<OAuthParameters, 'get'>,
): PresentedClient {
  const formId = form.get('client_id')
  const formSecret = form.get('client_secret')
  const [header, second] = authorization
  if (second !== undefined) {
    throw invalidRequest('The request has more than one Authorization header; send one or none.')
  }
  if (header === undefined) {
    return { ids: listed(formId), secrets: listed(formSecret), byHeader: false }
  }
  if (formSecret !== undefined) {
    throw invalidRequest('The client authenticates in the header and in the form; use one of them.')
  }
  const basic = readBasic(header)
  if (formId !== undefined && !basic.ids.includes(formId)) {
    throw invalidRequest('The client_id of the form is another than that of the header.')
  }
  return { ...basic, ids: formId === undefined ? basic.ids : [formId], byHeader: true }
}

/** Whether a client that showed these secrets, or none, may be the one whose secret this is. */
export function secretFits(
  { secrets }: PresentedClient,
  secret: string | undefined,
): 'none_shown' | 'fits' | 'wrong' {
  if (secrets.length === 0) return 'none_shown'
  if (secret === undefined) return 'wrong'
  return secrets.some((shown) => equal(shown, secret)) ? 'fits' : 'wrong'
}

function readBasic(header: string): Pick<PresentedClient, 'ids' | 'secrets'> {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header)?.[1]
  const text = Buffer.from(encoded ?? '', 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) {
    throw invalidClient(
      'The Authorization header is not HTTP Basic with client id and secret.',
      true,
    )
  }
  const [id, secret] = [text.slice(0, colon), text.slice(colon + 1)]
  return { ids: spellings(id), secrets: secret === '' ? [] : spellings(secret) }
}

function spellings(text: string): readonly string[] {
  const decoded = formDecoded(text)
  return decoded === undefined || decoded === text ? [text] : [text, decoded]
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function listed(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value]
}
