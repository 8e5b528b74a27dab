import { randomBytes } from 'node:crypto'
import type { Person } from './person.ts'

/** Nothing listens there: the person's browser hands the address over. */
const REDIRECT_URI = 'http://127.0.0.1:41597/callback'

export interface MemoryOptions<Client> {
  /** What it is before it registers; the SDK asks for registration only without. */
  readonly client?: Client
  /** The address of its client ID metadata document. */
  readonly metadataUrl?: string
}

/**
 * What a TypeScript SDK keeps of a sign-in, and how it sends its person there: its
 * `OAuthClientProvider`. The two lines of the SDK have types of their own for the same things.
 */
export class OauthMemory<Client, Tokens, Discovery> {
  readonly redirectUrl = REDIRECT_URI
  readonly clientMetadata = {
    client_name: 'rolecall-test',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }
  readonly clientMetadataUrl?: string
  /** What the browser came back with. */
  answer = new URLSearchParams()
  readonly #person: Person
  #state = ''
  #verifier = ''
  #client: Client | undefined
  #tokens: Tokens | undefined
  #discovery: Discovery | undefined

  constructor(person: Person, { client, metadataUrl }: MemoryOptions<Client> = {}) {
    this.#person = person
    this.#client = client
    if (metadataUrl !== undefined) this.clientMetadataUrl = metadataUrl
  }

  state(): string {
    this.#state = randomBytes(16).toString('hex')
    return this.#state
  }

  clientInformation(): Client | undefined {
    return this.#client
  }

  saveClientInformation(client: Client): void {
    this.#client = client
  }

  tokens(): Tokens | undefined {
    return this.#tokens
  }

  saveTokens(tokens: Tokens): void {
    this.#tokens = tokens
  }

  /** The SDK forgets so what was refused, and begins anew. */
  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    if (scope === 'all' || scope === 'tokens') this.#tokens = undefined
    if (scope === 'all' || scope === 'client') this.#client = undefined
  }

  discoveryState(): Discovery | undefined {
    return this.#discovery
  }

  saveDiscoveryState(discovery: Discovery): void {
    this.#discovery = discovery
  }

  codeVerifier(): string {
    return this.#verifier
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier
  }

  async redirectToAuthorization(url: URL): Promise<void> {
    const { searchParams } = await this.#person.signIn(url)
    if (searchParams.get('state') !== this.#state) throw new Error('the state is another')
    this.answer = searchParams
  }
}
