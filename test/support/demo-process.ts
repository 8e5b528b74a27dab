import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'

/** The demo as a child process. */
export interface Run {
  readonly stdout: () => string
  readonly stderr: () => string
  /** Settles with the exit code once both streams are at their ends. */
  readonly exit: Promise<number | null>
  /** Waits until a stream has this, and returns the match. */
  has(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray>
  kill(signal: NodeJS.Signals): void
}

/** Nothing is built there: no cluster is real. */
export const NO_BINARIES = { XDG_CACHE_HOME: '/nonexistent', KUBEBUILDER_ASSETS: '' }

/** Runs the demo with these flags; it is ended with the test. */
export function runDemo(
  t: TestContext,
  flags: readonly string[],
  environment: NodeJS.ProcessEnv = NO_BINARIES,
): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', 'deploy/demo/main.ts', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  })
  const text = { stdout: '', stderr: '' }
  const exit = once(child, 'close').then(([code]) => code as number | null)
  t.after(async () => {
    child.kill('SIGTERM')
    await exit
  })
  const has = (stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(text[stream])
        if (match) resolve(match)
      }
      child[stream].on('data', look)
      look()
      void exit.then((code) => reject(new Error(`ended with ${code}: ${text.stderr}`)))
    })
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk
    })
  }
  return {
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    exit,
    has,
    kill: (signal) => child.kill(signal),
  }
}

/** What `--once` prints for each person and team, by its columns. */
export const EXPECTED_SIGHTS: readonly (readonly string[])[] = [
  ['alice', 'team-a', 'alice@contoso.test', 'sees shop-web, shop-worker'],
  ['alice', 'team-b', 'alice@contoso.test', refusal('alice', 'team-b')],
  ['bob', 'team-a', 'bob@contoso.test', refusal('bob', 'team-a')],
  ['bob', 'team-b', 'bob@contoso.test', 'sees billing-api, billing-ledger'],
  ['carol', 'team-a', 'carol@contoso.test', refusal('carol', 'team-a')],
  ['carol', 'team-b', 'carol@contoso.test', refusal('carol', 'team-b')],
]

/** The rows of the tables that a run printed. */
export function sightsIn(stdout: string): string[][] {
  const rows = stdout.split('\n').filter((line) => line.includes('@contoso.test'))
  return rows.map((line) => line.split(/ {2,}/))
}

function refusal(person: string, team: string): string {
  return `refused: pods is forbidden: User "${person}@contoso.test" cannot list resource "pods" in API group "" in the namespace "${team}"`
}
