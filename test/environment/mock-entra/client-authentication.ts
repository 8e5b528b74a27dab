import { timingSafeEqual } from 'node:crypto'
import { checkClientAssertion } from './client-assertion.ts'
import { authenticationClass, type Client } from './directory.ts'
import { EntraError } from './errors.ts'
import type { Parameters } from './parameters.ts'
import type { MockState } from './state.ts'

interface PresentedClient {
  readonly clientId: string
  readonly secret: string | undefined
}

/**
 * Who asks the token endpoint: `client_secret_post`, `client_secret_basic` (RFC 6749 §2.3.1) or an
 * assertion (RFC 7523 §2.2).
 *
 * @throws EntraError 900144, 700016, 700025, 7000218, 7000215, 9002313, and as the assertion does
 */
export async function authenticateClient(
  state: MockState,
  authorization: string | undefined,
  parameters: Parameters,
): Promise<Client> {
  const { clientId, secret } = readClient(authorization, parameters)
  const details = { client_id: clientId, tenant: state.tenantId }
  const client = state.clients.find((known) => known.client_id === clientId)
  if (!client) throw new EntraError(700016, details)
  const asserts = parameters.has('client_assertion')
  if (authenticationClass(client) === '0') {
    if (secret !== undefined || asserts) throw new EntraError(700025)
    return client
  }
  if (asserts) {
    await checkClientAssertion(state, client, parameters)
    return client
  }
  if (secret === undefined) throw new EntraError(7000218)
  if (!isEqual(secret, client.client_secret)) throw new EntraError(7000215, details)
  return client
}

function readClient(authorization: string | undefined, parameters: Parameters): PresentedClient {
  const basic = /^basic +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (basic !== undefined) return readBasic(basic)
  const clientId = parameters.get('client_id')
  if (clientId === undefined) throw new EntraError(900144, { parameter: 'client_id' })
  return { clientId, secret: parameters.get('client_secret') }
}

/** Both halves are form-encoded before they are joined. */
function readBasic(encoded: string): PresentedClient {
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) throw new EntraError(9002313)
  return { clientId: formDecode(text.slice(0, colon)), secret: formDecode(text.slice(colon + 1)) }
}

function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new EntraError(9002313)
  }
}

function isEqual(one: string, other: string | undefined): boolean {
  if (other === undefined) return false
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
