import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { badUsage, type Command, type Terminal } from '../../src/cli/command.ts'
import { realClusterMissing } from '../../test/environment/cluster/real/kube-binaries.ts'
import {
  ANY_PORTS,
  type DemoPorts,
  FRIENDLY_PORTS,
  PORT_FLAGS,
} from '../../test/environment/ports.ts'
import { announcement } from './announcement.ts'
import { type ClusterChoice, type Demo, signEverybodyIn, startDemo } from './demo.ts'
import { walkThroughRelay } from './relay-walk.ts'
import { differences, lookAround, type SignedInPerson, sightTable } from './who-sees-what.ts'

const usage = `npm run demo -- [--once] [--cluster real|stand-in] [--trust structured|webhook]
              [--ui-port N] [--port N] [--admin-port N] [--idp-port N] [--mcp-port N]
              [--cluster-port N]

  --once            sign everybody in, call tools as each, print what each may see, check it, and
                    again with the sign-in and refresh of HolmesGPT, through rolecall; stop
  --cluster KIND    real: a kube-apiserver, the default where its binaries are there
                    (npm run cluster:build makes them); stand-in: a small server that acts as one
  --trust HOW       how the real one trusts the identity provider: structured (default) or webhook,
                    which is AKS's way; with --once both, one after the other, unless this is given
  --ui-port N       of the page on which people sign in (default ${FRIENDLY_PORTS.ui})
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
  /** Each is a demo of its own; several only with `once`. */
  readonly clusters: readonly ClusterChoice[]
}

/**
 * Runs the demo until SIGINT, SIGTERM or SIGHUP, or once through.
 * Ends with 0; with 1 when a part does not start or ends by itself, or when somebody sees what they
 * should not; with 2 for wrong arguments.
 */
export const command: Command = {
  summary: 'mock Entra, a cluster, kubernetes-mcp-server, rolecall and a page to sign in on',
  usage,
  async run(argv, terminal) {
    const settings = readSettings(argv, terminal)
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
  const { cluster, ports } = settings
  const progress = (line: string): void => terminal.stderr(`started  ${line}\n`)
  const demo = await startDemo({ ports, progress, cluster })
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
    const wrong = [...differences(sights), ...(await walkEverybody(demo, people))]
    if (wrong.length > 0) {
      terminal.stderr(`Not as it should be:\n${wrong.map((line) => `  ${line}\n`).join('')}`)
      return 1
    }
    terminal.stdout(
      'As it should be: each sees their own, and the cluster decided as whom.\n' +
        'Each signed in as HolmesGPT does, too: rolecall redeemed the code and refreshed the token.\n',
    )
    return 0
  } catch (error) {
    // When a call fails because a part died, the part's end says more than the call's.
    await Promise.race([demo.ended, delay(1_000)])
    throw error
  }
}

async function walkEverybody(demo: Demo, people: readonly SignedInPerson[]): Promise<string[]> {
  const parts = { mcpUrl: demo.proxy.url, uiOrigin: demo.ui.origin }
  const wrong: string[] = []
  for (const person of people) wrong.push(...(await walkThroughRelay(parts, person)))
  return wrong
}

function readSettings(argv: readonly string[], terminal: Terminal): Settings | string {
  try {
    const { values } = parseArgs({ args: [...argv], options: flags })
    const once = values.once ?? false
    const clusters = readClusters(values, once, terminal)
    if (typeof clusters === 'string') return clusters
    return { once, clusters, ports: readPorts(values, once) }
  } catch (error) {
    return wordsOf(error)
  }
}

/** Which cluster, or several one after the other; a text says what is wrong. */
function readClusters(
  values: { readonly cluster?: string | undefined; readonly trust?: string | undefined },
  once: boolean,
  terminal: Terminal,
): readonly ClusterChoice[] | string {
  const missing = realClusterMissing(terminal.environment)
  const kind = values.cluster ?? (missing === undefined ? 'real' : 'stand-in')
  const { trust } = values
  if (kind !== 'real' && kind !== 'stand-in') return `--cluster is real or stand-in, not "${kind}"`
  if (trust !== undefined && trust !== 'structured' && trust !== 'webhook') {
    return `--trust is structured or webhook, not "${trust}"`
  }
  if (kind === 'stand-in') {
    if (trust !== undefined) return '--trust is for --cluster real'
    if (values.cluster === undefined) terminal.stderr(`A stand-in for a cluster: ${missing}\n`)
    return ['stand-in']
  }
  if (missing !== undefined) return missing
  if (trust !== undefined) return [trust]
  return once ? ['structured', 'webhook'] : ['structured']
}

const flags = {
  once: { type: 'boolean' },
  cluster: { type: 'string' },
  trust: { type: 'string' },
  'ui-port': { type: 'string' },
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
    ui: read('ui'),
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
