import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport as V1TransportInterface } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { needed } from './needed.ts'
import { packageVersion } from './package-version.ts'
import { type PythonSdkLine, pinnedSdkVersion, pythonWithSdk } from './python-sdk.ts'

export interface Call {
  readonly tool: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** What a tool said, and whether it said that it failed. */
export interface Answer {
  readonly isError: boolean
  readonly text: string
}

/** What one person got through one client. */
export interface Visit {
  readonly protocol: string | undefined
  readonly tools: readonly string[]
  /** In the order of the calls. */
  readonly answers: readonly Answer[]
}

/** A real MCP client that lists the tools and calls some, with a bearer. */
export interface SdkClient {
  readonly name: string
  /** Why it cannot be had on this machine. */
  readonly skip: string | false
  visit(url: string, token: string, calls: readonly Call[]): Promise<Visit>
}

/** Every SDK in both of its ways to begin, as far as it has two. */
export async function sdkClients(): Promise<SdkClient[]> {
  const v2 = packageVersion('@modelcontextprotocol/client')
  return [
    {
      name: `TypeScript SDK ${packageVersion('@modelcontextprotocol/sdk')}`,
      skip: false,
      visit: visitWithV1,
    },
    ...(['legacy', 'auto'] as const).map((mode) => ({
      name: `TypeScript SDK ${v2}, mode ${mode}`,
      skip: false as const,
      visit: (url: string, token: string, calls: readonly Call[]) =>
        visitWithV2({ url, token, calls, mode }),
    })),
    await pythonClient('1', 'legacy'),
    await pythonClient('2', 'legacy'),
    await pythonClient('2', 'auto'),
  ]
}

/** By the SDK that most clients are built on. */
export async function visitWithV1(
  url: string,
  token: string,
  calls: readonly Call[],
): Promise<Visit> {
  const client = new V1Client({ name: 'rolecall-test', version: '1' })
  const transport = new V1Transport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  // The SDK's own class does not match its interface under exactOptionalPropertyTypes.
  await client.connect(transport as V1TransportInterface)
  const tools = (await client.listTools()).tools.map(({ name }) => name)
  const answers: Answer[] = []
  for (const { tool, arguments: parameters } of calls) {
    const result = await client.callTool({ name: tool, arguments: parameters })
    answers.push(answerOf(CallToolResultSchema.parse(result)))
  }
  const protocol = transport.protocolVersion
  await transport.terminateSession()
  await client.close()
  return { protocol, tools, answers }
}

interface V2Visit {
  readonly url: string
  readonly token: string
  readonly calls: readonly Call[]
  readonly mode: 'legacy' | 'auto'
}

async function visitWithV2({ url, token, calls, mode }: V2Visit): Promise<Visit> {
  const client = new Client(
    { name: 'rolecall-test', version: '1' },
    { versionNegotiation: { mode } },
  )
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    authProvider: { token: async () => token },
  })
  await client.connect(transport)
  const tools = (await client.listTools()).tools.map(({ name }) => name)
  const answers: Answer[] = []
  for (const { tool, arguments: parameters } of calls) {
    answers.push(answerOf(await client.callTool({ name: tool, arguments: parameters })))
  }
  const protocol = client.getNegotiatedProtocolVersion()
  await client.close()
  return { protocol, tools, answers }
}

interface ToolResult {
  readonly isError?: boolean | undefined
  readonly content: readonly { readonly type: string; readonly text?: unknown }[]
}

/** What a client is given, in one form. */
export function answerOf({ isError = false, content }: ToolResult): Answer {
  const texts = content.map((part) => (part.type === 'text' ? String(part.text) : ''))
  return { isError, text: texts.join('\n') }
}

const visitSchema = z.object({
  protocol: z.string(),
  tools: z.array(z.string()),
  answers: z.array(z.object({ isError: z.boolean(), text: z.string() })),
})

async function pythonClient(line: PythonSdkLine, mode: 'legacy' | 'auto'): Promise<SdkClient> {
  const python = await needed(() => pythonWithSdk(line))
  const sdk = `Python SDK ${await pinnedSdkVersion(line)}`
  const name = line === '1' ? sdk : `${sdk}, mode ${mode}`
  return {
    name,
    skip: python.skip,
    async visit(url, token, calls) {
      if (python.skip !== false) throw new Error(python.skip)
      return visitWithPython(python.found, { url, token, calls, mode })
    },
  }
}

async function visitWithPython(python: string, job: V2Visit): Promise<Visit> {
  const script = fileURLToPath(new URL('../python/list_and_call.py', import.meta.url))
  const child = spawn(python, [script], {
    env: { PATH: process.env['PATH'], NO_PROXY: 'localhost,127.0.0.1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const out: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  child.stdin.end(JSON.stringify(job))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) {
    throw new Error(`the Python client ended with ${code}: ${Buffer.concat(errors).toString()}`)
  }
  return visitSchema.parse(JSON.parse(Buffer.concat(out).toString()))
}
