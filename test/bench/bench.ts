import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Gateway } from './gateways/gateway.ts'
import { startHaproxy } from './gateways/haproxy.ts'
import { startNginx } from './gateways/nginx.ts'
import { startOauth2Proxy } from './gateways/oauth2-proxy.ts'
import { startRolecall } from './gateways/rolecall.ts'
import { startStock } from './gateways/stock.ts'
import { raiseDescriptors, residentKiB } from './pinned-process.ts'
import { fillReadme } from './report/readme.ts'
import { svg } from './report/svg.ts'
import { table } from './report/table.ts'
import { type GatewayResult, type Results, ROLECALL, SEALED } from './results.ts'
import { measureCosts } from './scenarios/costs.ts'
import { measureCrowd } from './scenarios/crowd.ts'
import { measureFlatness } from './scenarios/flatness.ts'
import { measureLatency } from './scenarios/latency.ts'
import { measureStart } from './scenarios/start.ts'
import { measureStreams } from './scenarios/streams.ts'
import { installTools } from './tools.ts'
import { startWorld, type World } from './world.ts'

/**
 * rolecall beside a plain nginx, HAProxy with jwt_verify, oauth2-proxy and what people would write first,
 * in one run: the figures to quote are ratios. What is measured has one core, load and upstream have another.
 * Linux only. Builds first: the code that is shipped is what counts.
 */
const SCENARIOS = ['costs', 'latency', 'start', 'streams', 'flat', 'crowd']
const USAGE = `npm run bench [-- --quick] [--only SCENARIO,...] [--json FILE] [--from FILE]
              [--markdown FILE] [--svg FILE] [--readme]

  --quick           shorter: a look, not figures to quote
  --only LIST       of ${SCENARIOS.join(', ')}
  --json FILE       also writes what was measured
  --from FILE       measures nothing, and reads what --json wrote
  --markdown FILE   also writes the tables
  --svg FILE        also writes the plot
  --readme          puts tables and plot into README.md

Linux, two cores. As root on Debian it installs what it compares with.
`
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    only: { type: 'string', default: SCENARIOS.join() },
    json: { type: 'string' },
    from: { type: 'string' },
    markdown: { type: 'string' },
    svg: { type: 'string' },
    readme: { type: 'boolean', default: false },
  },
})
const began = performance.now()
const only = new Set(values.only.split(','))
const unknown = [...only].filter((name) => !SCENARIOS.includes(name))
if (values.help || unknown.length > 0) {
  if (!values.help) process.stderr.write(`There is no scenario ${unknown.join(', ')}.\n\n`)
  process.stdout.write(USAGE)
  process.exit(values.help ? 0 : 2)
}
const isWhole = !values.quick && only.size === SCENARIOS.length
if (values.readme && !values.from && !isWhole) {
  process.stderr.write('--readme quotes a whole run: leave --quick and --only out.\n')
  process.exit(2)
}
const plan = values.quick
  ? { rounds: 2, seconds: 2, fresh: 800, starts: 2, streams: 2_000, tokens: [1, 1_000] }
  : {
      rounds: 4,
      seconds: 3,
      fresh: 2_000,
      starts: 4,
      streams: 10_000,
      tokens: [1, 10_000, 100_000],
    }
const RATES = [1_000, 2_000]
const RESOURCES = [1, 500]

const results = values.from
  ? (JSON.parse(await readFile(values.from, 'utf8')) as Results)
  : await measured()
process.stdout.write(`${table(results)}\n`)
if (values.json) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`)
if (values.markdown) await writeFile(values.markdown, table(results))
if (values.svg) await writeFile(values.svg, svg(results))
if (values.readme) fillReadme(results)

async function measured(): Promise<Results> {
  installTools()
  raiseDescriptors()
  const world = await startWorld()
  try {
    return await measure(world)
  } finally {
    await world.close()
  }
}

async function measure(world: World): Promise<Results> {
  const { rounds, seconds } = plan
  // First, while nothing else runs on the core.
  const start = await scenario('start', () => measureStart(world, plan.starts, tell))
  const gateways = await startGateways(world)
  const idle = gateways.map(({ pid }) => residentKiB(pid) / 1024)
  const costs = await scenario('costs', () => measureCosts(gateways, world, plan, tell))
  const latency = await scenario('latency', () =>
    measureLatency(gateways, world, { rounds: Math.min(3, rounds), seconds, rates: RATES }, tell),
  )
  const own = gateways.find(({ name }) => name === ROLECALL)
  const crowd =
    own && (await scenario('crowd', () => measureCrowd(own, world, { rounds: 3, seconds })))
  const streams = await scenario('streams', () =>
    measureStreams(world, { most: plan.streams, rounds: 3, seconds }),
  )
  const flat = await scenario('flat', () =>
    measureFlatness(world, { tokens: plan.tokens, resources: RESOURCES, rounds, seconds }, tell),
  )
  return {
    node: process.version,
    rounds,
    rates: RATES,
    gateways: gateways.map((gateway, i): GatewayResult => {
      const { known = [], fresh = [] } = costs?.get(gateway) ?? {}
      const added = latency?.get(gateway) ?? []
      return { name: gateway.name, known, fresh, added, idleMiB: idle[i] ?? Number.NaN }
    }),
    ...(start && { start }),
    ...(streams && { streams }),
    ...(flat && { flat }),
    ...(crowd && { crowd }),
  }
}

/** Where the run is, on standard error. */
function tell(text: string): void {
  const seconds = Math.round((performance.now() - began) / 1000)
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  process.stderr.write(`${clock.padStart(6)} ${text}\n`)
}

/** What fails is told and left out: the figures of the others are not lost. */
async function scenario<T>(name: string, run: () => Promise<T>): Promise<T | undefined> {
  if (!only.has(name)) return undefined
  tell(`${name} (${[...only].join(', ')})`)
  try {
    return await run()
  } catch (error) {
    process.stderr.write(`${name} failed: ${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
    return undefined
  }
}

async function startGateways({ setup }: World): Promise<readonly Gateway[]> {
  return [
    await startNginx(setup),
    await startHaproxy(setup),
    await startRolecall(setup, { name: ROLECALL }),
    await startRolecall(setup, { name: SEALED, sealed: true }),
    await startOauth2Proxy(setup),
    await startStock(setup, false),
    await startStock(setup, true),
  ].filter((gateway) => gateway !== undefined)
}
