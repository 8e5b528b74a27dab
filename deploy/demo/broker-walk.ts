import { randomBytes } from 'node:crypto'
import {
  auth,
  type OAuthClientProvider,
  UnauthorizedError,
} from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type {
  OAuthClientInformationMixed,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { createBrowser, signInAt } from '../../test/environment/browser.ts'

/** Where the client says that it listens. Nothing does: the headless browser hands the answer over. */
const REDIRECT_URI = 'http://127.0.0.1:41597/callback'

/** What the MCP SDK keeps of one sign-in, and how it sends its person there. */
interface Memory extends OAuthClientProvider {
  /** The code that came back. */
  readonly code: string
}

/**
 * Signs one person in by the MCP SDK's own client, knowing nothing but the URL: discovery,
 * registration (RFC 7591), the consent page, the mock's page, the page that asks whether to go on, the
 * code redeemed; then the token is refreshed.
 *
 * @param username `alice`
 * @returns the refreshed token, which only rolecall can open
 * @throws when one of the pages or endpoints refuses, in its words
 */
export async function signInThroughBroker(mcpUrl: string, username: string): Promise<string> {
  const memory = createMemory(username)
  const transport = new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider: memory })
  const client = new Client({ name: 'rolecall-demo', version: '1' })
  try {
    // The SDK's own class does not match its interface under exactOptionalPropertyTypes.
    await client.connect(transport as Transport)
    throw new Error('the endpoint let somebody in who has not signed in')
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
  }
  await transport.finishAuth(memory.code)
  const first = (await memory.tokens())?.access_token
  await auth(memory, { serverUrl: mcpUrl })
  const token = (await memory.tokens())?.access_token
  if (token === undefined || token === first) throw new Error(`${username}: no token came of it`)
  return token
}

function createMemory(username: string): Memory {
  const browser = createBrowser()
  const state = randomBytes(16).toString('hex')
  let client: OAuthClientInformationMixed | undefined
  let tokens: OAuthTokens | undefined
  let verifier = ''
  let code = ''
  return {
    redirectUrl: REDIRECT_URI,
    clientMetadata: {
      client_name: 'rolecall demo',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    get code() {
      return code
    },
    state: () => state,
    clientInformation: () => client,
    saveClientInformation: (saved) => {
      client = saved
    },
    tokens: () => tokens,
    saveTokens: (saved) => {
      tokens = saved
    },
    codeVerifier: () => verifier,
    saveCodeVerifier: (saved) => {
      verifier = saved
    },
    redirectToAuthorization: async (url) => {
      const { searchParams } = await signInAt(browser, url, { username })
      if (searchParams.get('state') !== state)
        throw new Error('the state that came back is another')
      code = searchParams.get('code') ?? ''
    },
  }
}
