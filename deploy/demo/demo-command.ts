import { badUsage, type Command, type Terminal } from '../../src/cli/command.ts'
import { announcement } from './announcement.ts'
import type { ClusterChoice } from './clusters.ts'
import { startDemo } from './demo.ts'
import { lookOnce } from './once.ts'
import { createPaint } from './paint.ts'
import { createProgress } from './progress.ts'
import { readSettings, type Settings, usage } from './settings.ts'

/**
 * Runs the demo until SIGINT, SIGTERM or SIGHUP, or once through.
 * Ends with 0; with 1 when a part does not start or ends by itself, or when somebody sees what they
 * should not; with 2 for wrong arguments.
 */
export const command: Command = {
  summary: 'mock Entra, a cluster, kubernetes-mcp-server, two rolecalls and a page to sign in on',
  usage,
  async run(argv, terminal) {
    const settings = readOrExplain(argv, terminal)
    if (settings === undefined) return badUsage
    return await runDemo(settings, terminal).catch((error: unknown) => {
      terminal.stderr(`${wordsOf(error)}\n`)
      return 1
    })
  },
}

function readOrExplain(argv: readonly string[], terminal: Terminal): Settings | undefined {
  try {
    return readSettings(argv, terminal.environment)
  } catch (error) {
    terminal.stderr(`${wordsOf(error)}\n`)
    return undefined
  }
}

async function runDemo(settings: Settings, terminal: Terminal): Promise<number> {
  const stopped = untilStopped()
  for (const cluster of settings.clusters) {
    const code = await runOne({ ...settings, cluster }, terminal, stopped)
    if (code !== 0) return code
  }
  return 0
}

async function runOne(
  settings: Settings & { readonly cluster: ClusterChoice },
  terminal: Terminal,
  stopped: Promise<void>,
): Promise<number> {
  const { cluster, ports, hasFleet } = settings
  const progress = createProgress({
    write: (text) => terminal.stderr(text),
    paint: createPaint(process.stderr.isTTY, terminal.environment),
    isLive: process.stderr.isTTY && terminal.environment['TERM'] !== 'dumb',
  })
  const demo = await startDemo({ ports, progress, cluster, hasFleet })
  const broken = demo.ended.then((how) => {
    throw new Error(`${how}\nThe demo ends with it.`)
  })
  try {
    const paint = createPaint(process.stdout.isTTY, terminal.environment)
    if (!settings.once) terminal.stdout(announcement(demo, paint))
    const work = settings.once ? lookOnce(demo, terminal) : undefined
    return await Promise.race([stopped.then(() => 0), broken, ...(work ? [work] : [])])
  } finally {
    await demo.close()
  }
}

/** The listeners stay: a second Ctrl-C must not leave parts behind that are being ended. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => resolve())
  })
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
