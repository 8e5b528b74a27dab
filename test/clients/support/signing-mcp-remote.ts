import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { signInWhereAnnounced } from './announced-sign-in.ts'
import { installedProgram } from './installed-program.ts'
import { packageVersion } from './package-version.ts'
import type { Person } from './person.ts'
import { answerOf } from './sdk-clients.ts'
import { type Connection, protocolOf, type SigningClient } from './signing-client.ts'

/** The bridge for programs that know servers on standard input only, with such a program before it. */
export function mcpRemote(): SigningClient {
  const name = `mcp-remote ${packageVersion('mcp-remote')}`
  return { name, skip: false, protocol: protocolOf('legacy'), connect }
}

async function connect(url: string, person: Person): Promise<Connection> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-mcp-remote-'))
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [installedProgram('mcp-remote', 'dist/proxy.js'), url, '--transport', 'http-only'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      MCP_REMOTE_CONFIG_DIR: folder,
      // What it opens pages with; it also writes where the person has to go.
      BROWSER: '/bin/true',
    },
    stderr: 'pipe',
  })
  const { stderr } = transport
  if (!stderr) throw new Error('mcp-remote has no standard error')
  const words = signInWhereAnnounced(stderr as unknown as NodeJS.ReadableStream, person)
  const client = new Client({ name: 'rolecall-test', version: '1' })
  const close = async (): Promise<void> => {
    await client.close()
    await rm(folder, { recursive: true, force: true })
  }
  await Promise.race([client.connect(transport), words.failed]).catch(async (error: unknown) => {
    await close()
    throw new Error(`mcp-remote did not connect:\n${words.last()}`, { cause: error })
  })
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    async call({ tool, arguments: parameters }) {
      const result = await client.callTool({ name: tool, arguments: parameters })
      return answerOf(CallToolResultSchema.parse(result))
    },
    close,
  }
}
