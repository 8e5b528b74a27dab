import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { freePort } from '../../environment/ports.ts'
import { signInWhereAnnounced } from '../support/announced-sign-in.ts'
import { installedProgram, nodeFromVersion22 } from '../support/installed-program.ts'
import type { Person } from '../support/person.ts'

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
export function runSuite(url: string, revision: Revision): Promise<SuiteRun> {
  return run(['server', '--url', url, '--requirements', revision])
}

/** A client that an authorization server knows, with `http://127.0.0.1:<any>/callback`. */
export interface SuiteClient {
  readonly client_id: string
}

/**
 * Runs the scenarios for authorization servers, with somebody who signs in when it is time.
 *
 * @param issuer the authorization server's
 * @param resource the URL that a token is asked for
 * @throws with the suite's last words, when it left no results
 */
export async function runAuthorizationSuite(
  issuer: string,
  resource: string,
  { client, person }: { readonly client: SuiteClient; readonly person: Person },
): Promise<SuiteRun> {
  const port = String(await freePort())
  const asked = ['--url', issuer, '--resource', resource, '--client-id', client.client_id]
  return run(['authorization', ...asked, '--port', port], person)
}

async function run(words: readonly string[], person?: Person): Promise<SuiteRun> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-conformance-'))
  try {
    const { code, output } = await command([...words, '--output-dir', folder], person)
    const scenarios = await readResults(folder)
    if (scenarios.size === 0) throw new Error(`the suite left no results:\n${output.slice(-2000)}`)
    return { isConformant: code === 0, scenarios }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function command(
  words: readonly string[],
  person: Person | undefined,
): Promise<{ code: number | null; output: string }> {
  const program = installedProgram(SUITE, 'dist/index.js')
  const child = spawn(nodeFromVersion22(), [program, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // It waits five minutes for a person.
    timeout: 120_000,
  })
  const said = person && signInWhereAnnounced(child.stdout, person)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const closed = once(child, 'close') as Promise<[number | null]>
  await Promise.race([closed, ...(said ? [said.failed] : [])]).catch((error: unknown) => {
    child.kill()
    throw error
  })
  const [code] = await closed
  return { code, output }
}

/** Folders are named `server-<scenario>-<time>`, or `authorization-server-` and so on. */
async function readResults(folder: string): Promise<Map<string, readonly Check[]>> {
  const results = new Map<string, readonly Check[]>()
  for (const name of (await readdir(folder)).sort()) {
    const scenario = /^(?:authorization-)?server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(name)?.[1]
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
