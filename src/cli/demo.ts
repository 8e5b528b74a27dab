import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { announcement } from '../demo/announcement.ts'
import { type Demo, signEverybodyIn, startDemo } from '../demo/demo.ts'
import { ANY_PORTS, type DemoPorts, FRIENDLY_PORTS, PORT_FLAGS } from '../demo/ports.ts'
import { differences, lookAround, sightTable } from '../demo/who-sees-what.ts'
import { badUsage, type Command, type Terminal } from './command.ts'

const usage = `rolecall demo [--once] [--cluster stand-in] [--port N] [--admin-port N]
              [--idp-port N] [--mcp-port N] [--cluster-port N]

  --once            sign everybody in, call tools as each, print what each may see, check it, stop
  --cluster KIND    stand-in (default); real is not built yet
  --port N          of rolecall (default ${FRIENDLY_PORTS.proxy})
  --admin-port N    of rolecall's health and metrics (default ${FRIENDLY_PORTS.admin})
  --idp-port N      of the mock identity provider (default ${FRIENDLY_PORTS.identityProvider})
  --mcp-port N      of kubernetes-mcp-server (default ${FRIENDLY_PORTS.mcpServer})
  --cluster-port N  of the cluster (default ${FRIENDLY_PORTS.cluster})

  A port of 0 is any that is free; --once takes free ones unless told otherwise.
`

interface Settings {
  readonly once: boolean
  readonly ports: DemoPorts
}

/**
 * Runs the demo until SIGINT, SIGTERM or SIGHUP, or once through.
 * Ends with 0; with 1 when a part does not start or ends by itself, or when somebody sees what they
 * should not; with 2 for wrong arguments.
 */
export const command: Command = {
  summary: 'mock Entra, a cluster, kubernetes-mcp-server and rolecall, to look at',
  usage,
  async run(argv, terminal) {
    const settings = readSettings(argv)
    if (typeof settings === 'string') {
      terminal.stderr(`${settings}\n`)
      return badUsage
    }
    return await runDemo(settings, terminal).catch((error: unknown) => {
      terminal.stderr(`${wordsOf(error)}\n`)
      return 1
    })
  },
}

async function runDemo(settings: Settings, terminal: Terminal): Promise<number> {
  const stopped = untilStopped()
  const progress = (line: string): void => terminal.stderr(`started  ${line}\n`)
  const demo = await startDemo({ ports: settings.ports, progress })
  const broken = demo.ended.then((how) => {
    throw new Error(`${how}\nThe demo ends with it.`)
  })
  try {
    if (!settings.once) terminal.stdout(announcement(demo))
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

async function lookOnce(demo: Demo, terminal: Terminal): Promise<number> {
  try {
    const people = await signEverybodyIn(demo.identityProvider)
    terminal.stderr(`signed in  ${people.map(({ username }) => username).join(', ')}\n`)
    const sights = await lookAround(demo.proxy.url, people, demo.cluster)
    terminal.stdout(`${demo.cluster.description}\n\n${sightTable(sights)}\n\n`)
    const wrong = differences(sights)
    if (wrong.length > 0) {
      terminal.stderr(`Not as it should be:\n${wrong.map((line) => `  ${line}\n`).join('')}`)
      return 1
    }
    terminal.stdout('As it should be: each sees their own, and the cluster decided as whom.\n')
    return 0
  } catch (error) {
    // When a call fails because a part died, the part's end says more than the call's.
    await Promise.race([demo.ended, delay(1_000)])
    throw error
  }
}

function readSettings(argv: readonly string[]): Settings | string {
  try {
    const { values } = parseArgs({ args: [...argv], options: flags })
    const kind = values.cluster ?? 'stand-in'
    if (kind === 'real') {
      return '--cluster real comes with a later version; use --cluster stand-in, the default'
    }
    if (kind !== 'stand-in') return `--cluster is stand-in or real, not "${kind}"`
    return { once: values.once ?? false, ports: readPorts(values, values.once ?? false) }
  } catch (error) {
    return wordsOf(error)
  }
}

const flags = {
  once: { type: 'boolean' },
  cluster: { type: 'string' },
  port: { type: 'string' },
  'admin-port': { type: 'string' },
  'idp-port': { type: 'string' },
  'mcp-port': { type: 'string' },
  'cluster-port': { type: 'string' },
} as const

function readPorts(values: Readonly<Record<string, unknown>>, runOnce: boolean): DemoPorts {
  const defaults = runOnce ? ANY_PORTS : FRIENDLY_PORTS
  const read = (part: keyof DemoPorts): number => {
    const flag = PORT_FLAGS[part]
    const text = values[flag.slice(2)]
    if (text === undefined) return defaults[part]
    if (typeof text !== 'string' || !/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
      throw new Error(`${flag} must be a number from 0 to 65535, not "${text}"`)
    }
    return Number(text)
  }
  return {
    proxy: read('proxy'),
    admin: read('admin'),
    identityProvider: read('identityProvider'),
    mcpServer: read('mcpServer'),
    cluster: read('cluster'),
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
