import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { z } from 'zod'
import { freePort } from '../../environment/ports.ts'
import { signInWhereAnnounced } from './announced-sign-in.ts'
import { installedProgram, nodeFromVersion22 } from './installed-program.ts'
import { packageVersion } from './package-version.ts'
import type { Person } from './person.ts'
import { answerOf } from './sdk-clients.ts'
import { protocolOf, type SigningClient } from './signing-client.ts'

const INSPECTOR = '@modelcontextprotocol/inspector'

const toolsSchema = z.object({
  result: z.object({ tools: z.array(z.object({ name: z.string() })) }),
})
const resultSchema = z.object({
  result: z.object({
    isError: z.boolean().optional(),
    content: z.array(z.object({ type: z.string(), text: z.unknown() })),
  }),
})

/** The Inspector's command: a process for each request, with its tokens in a folder in between. */
export function inspectorCli(era: 'legacy' | 'auto'): SigningClient {
  return {
    name: `Inspector CLI ${packageVersion(INSPECTOR)}, era ${era}`,
    skip: false,
    protocol: protocolOf(era),
    async connect(url, person) {
      const folder = await mkdtemp(join(tmpdir(), 'rolecall-inspector-'))
      const callback = `http://127.0.0.1:${await freePort()}/oauth/callback`
      const run = (...words: string[]) =>
        runInspector(
          [
            url,
            ...['--transport', 'http', '--protocol-era', era, '--format', 'json'],
            ...['--callback-url', callback, ...words],
          ],
          folder,
          person,
        )
      return {
        async tools() {
          const { result } = toolsSchema.parse(await run('--method', 'tools/list'))
          return result.tools.map(({ name }) => name)
        },
        async call({ tool, arguments: parameters }) {
          const words = ['--tool-name', tool, '--tool-args-json', JSON.stringify(parameters)]
          return answerOf(resultSchema.parse(await run('--method', 'tools/call', ...words)).result)
        },
        close: () => rm(folder, { recursive: true, force: true }),
      }
    },
  }
}

async function runInspector(
  words: readonly string[],
  folder: string,
  person: Person,
): Promise<unknown> {
  const node = nodeFromVersion22()
  const program = installedProgram(INSPECTOR, 'clients/launcher/build/index.js')
  const child = spawn(node, [program, '--cli', ...words], {
    env: {
      PATH: [dirname(node), process.env['PATH']].join(delimiter),
      HOME: folder,
      MCP_STORAGE_DIR: folder,
      MCP_INSPECTOR_SECRET_STORE: 'file',
      // Else it wants a terminal before it lets anybody sign in.
      MCP_AUTO_OPEN_ENABLED: 'true',
      BROWSER: '/bin/true',
      NO_PROXY: 'localhost,127.0.0.1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = signInWhereAnnounced(child.stderr, person)
  let out = ''
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  const closed = once(child, 'close') as Promise<[number | null]>
  await Promise.race([closed, said.failed]).catch((error: unknown) => {
    child.kill()
    throw error
  })
  const [code] = await closed
  // Not only 0: a tool that says that it failed is 5.
  const answer = parsed(out)
  if (answer === undefined) throw new Error(`the Inspector ended with ${code}:\n${said.last()}`)
  return answer
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
