import {
  Client,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import {
  type OAuthDiscoveryState as V1DiscoveryState,
  UnauthorizedError as V1UnauthorizedError,
} from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type {
  OAuthClientInformationMixed,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import type { Transport as V1TransportInterface } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { type MemoryOptions, OauthMemory } from './oauth-memory.ts'
import { packageVersion } from './package-version.ts'
import type { Person } from './person.ts'
import { answerOf } from './sdk-clients.ts'
import { type Connection, protocolOf, type SigningClient } from './signing-client.ts'

const NAME = { name: 'rolecall-test', version: '1' }

/** The SDK that most clients are built on. */
export function typescriptV1(
  options: MemoryOptions<OAuthClientInformationMixed> = {},
): SigningClient {
  return {
    name: `TypeScript SDK ${packageVersion('@modelcontextprotocol/sdk')}`,
    skip: false,
    protocol: protocolOf('legacy'),
    connect: (url, person) => connectV1(url, person, options),
  }
}

/** @param mode `auto` begins with the revision of 2026-07-28, `legacy` with `initialize` */
export function typescriptV2(
  mode: 'legacy' | 'auto',
  options: MemoryOptions<StoredOAuthClientInformation> = {},
): SigningClient {
  return {
    name: `TypeScript SDK ${packageVersion('@modelcontextprotocol/client')}, mode ${mode}`,
    skip: false,
    protocol: protocolOf(mode),
    connect: (url, person) => connectV2(url, person, { ...options, mode }),
  }
}

async function connectV1(
  url: string,
  person: Person,
  options: MemoryOptions<OAuthClientInformationMixed>,
): Promise<Connection> {
  const authProvider = new OauthMemory<OAuthClientInformationMixed, OAuthTokens, V1DiscoveryState>(
    person,
    options,
  )
  const open = () => new V1Transport(new URL(url), { authProvider })
  const client = new V1Client(NAME)
  // The SDK's own class does not match its interface under exactOptionalPropertyTypes.
  const connect = (transport: V1Transport) => client.connect(transport as V1TransportInterface)
  const first = open()
  try {
    await connect(first)
  } catch (error) {
    if (!(error instanceof V1UnauthorizedError)) throw error
    await first.finishAuth(authProvider.answer.get('code') ?? '')
    await connect(open())
  }
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    async call({ tool, arguments: parameters }) {
      const result = await client.callTool({ name: tool, arguments: parameters })
      return answerOf(CallToolResultSchema.parse(result))
    },
    close: () => client.close(),
  }
}

async function connectV2(
  url: string,
  person: Person,
  options: MemoryOptions<StoredOAuthClientInformation> & { readonly mode: 'legacy' | 'auto' },
): Promise<Connection> {
  const authProvider = new OauthMemory<
    StoredOAuthClientInformation,
    StoredOAuthTokens,
    OAuthDiscoveryState
  >(person, options)
  const open = () => new StreamableHTTPClientTransport(new URL(url), { authProvider })
  const client = new Client(NAME, { versionNegotiation: { mode: options.mode } })
  const first = open()
  try {
    await client.connect(first)
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
    // It judges `iss` itself (RFC 9207).
    await first.finishAuth(authProvider.answer)
    await client.connect(open())
  }
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async ({ tool, arguments: parameters }) =>
      answerOf(await client.callTool({ name: tool, arguments: parameters })),
    close: () => client.close(),
  }
}
