import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'

/** The revisions whose requirements the suite has. */
export const REVISIONS = ['2025-11-25', '2026-07-28'] as const
export type Revision = (typeof REVISIONS)[number]

/** What one check of a scenario found. */
export interface Check {
  readonly id: string
  readonly name: string
  readonly status: string
  /** Why it is not a success, where the suite says so. */
  readonly reason: string | undefined
}

/** One run of the suite: its checks by scenario, and whether all that count are met. */
export interface SuiteRun {
  readonly isConformant: boolean
  readonly scenarios: ReadonlyMap<string, readonly Check[]>
}

const SUITE = '@modelcontextprotocol/conformance'

const checksSchema = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    status: z.string(),
    errorMessage: z.string().optional(),
  }),
)

/**
 * Runs all server scenarios of one revision against an MCP endpoint.
 *
 * @throws with the suite's last words, when it left no results
 */
export async function runSuite(url: string, revision: Revision): Promise<SuiteRun> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-conformance-'))
  try {
    const { code, output } = await run([
      'server',
      ...['--url', url],
      ...['--requirements', revision],
      ...['--output-dir', folder],
    ])
    const scenarios = await readResults(folder)
    if (scenarios.size === 0) throw new Error(`the suite left no results:\n${output.slice(-2000)}`)
    return { isConformant: code === 0, scenarios }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function run(words: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(nodeFromVersion22(), [suiteCommand(), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

/** Folders are named `server-<scenario>-<time>`. */
async function readResults(folder: string): Promise<Map<string, readonly Check[]>> {
  const results = new Map<string, readonly Check[]>()
  for (const name of (await readdir(folder)).sort()) {
    const scenario = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name)?.[1]
    if (scenario === undefined) throw new Error(`the suite left a folder of another kind: ${name}`)
    results.set(scenario, await readChecks(join(folder, name, 'checks.json')))
  }
  return results
}

/** A scenario that ended in an error of its own leaves no file; that is a result, too. */
async function readChecks(file: string): Promise<readonly Check[]> {
  if (!existsSync(file))
    return [{ id: 'checks', name: 'Checks', status: 'NONE', reason: undefined }]
  const checks = checksSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  return checks.map(({ errorMessage: reason, ...check }) => ({ ...check, reason }))
}

/** The package has no entry to import, only its command. */
function suiteCommand(): string {
  const { resolve } = createRequire(import.meta.url)
  return join(dirname(resolve(`${SUITE}/package.json`)), 'dist', 'index.js')
}

/** The suite needs Node 22; where this is older, the one that npm installed beside it. */
function nodeFromVersion22(): string {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath
  const { platform, arch } = process
  const isAppleSilicon = platform === 'darwin' && arch === 'arm64'
  const name = `${isAppleSilicon ? 'node-bin' : 'node'}-${platform}-${arch}`
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
  return join(dirname(manifest), 'bin', 'node')
}
