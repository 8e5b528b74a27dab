import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readJwt } from '../../src/oauth/jwt.ts'
import { type MockEntra, startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { freePort } from '../environment/ports.ts'
import { AKS } from '../support/gateway.ts'
import type { Gateway, Setup } from './gateways/gateway.ts'
import { startHaproxy } from './gateways/haproxy.ts'
import { startNginx, startUpstream } from './gateways/nginx.ts'
import { startRolecall } from './gateways/rolecall.ts'
import { startStock } from './gateways/stock.ts'
import { type CallCost, callsThrough } from './load/closed-loop.ts'
import { withIdleStreams } from './load/idle-streams.ts'
import { type Latency, latencyThrough } from './load/open-loop.ts'
import { CORE, endAll, residentKiB, startPinned } from './pinned-process.ts'
import { median, type Row, svg, table } from './report.ts'
import { installTools } from './tools.ts'

/**
 * rolecall beside a plain nginx, HAProxy with jwt_verify and what people would write first, in one run:
 * the figures to quote are ratios. What is measured has one core, load and upstream have another.
 * Linux only. Builds first: the image's code is what counts.
 *
 *   npm run bench [-- --rounds N --seconds S --new N --streams N --svg FILE]
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    new: { type: 'string', default: '1500' },
    streams: { type: 'string', default: '9500' },
    svg: { type: 'string' },
  },
})
const ROUNDS = Number(values.rounds)
const SECONDS = Number(values.seconds)
const NEW_TOKENS = Number(values.new)
const STREAMS = Number(values.streams)
const RATES = [1_000, 2_000]

const folder = await mkdtemp(join(tmpdir(), 'rolecall-bench-'))
const entra = await startMockEntra()
try {
  installTools()
  const rows = await measure()
  process.stdout.write(`${table(rows, { rounds: ROUNDS, rates: RATES, streams: STREAMS })}\n`)
  if (values.svg) await writeFile(values.svg, svg(rows))
} finally {
  await endAll()
  await entra.close()
  await rm(folder, { recursive: true, force: true })
}

async function measure(): Promise<readonly Row[]> {
  const setup = await setUp(entra)
  const gateways = [
    await startNginx(setup),
    await startHaproxy(setup),
    await startRolecall(setup, { name: 'rolecall' }),
    await startRolecall(setup, { name: 'rolecall, sealed tokens', sealed: true }),
    await startStock(setup, false),
    await startStock(setup, true),
  ]
  const rss = gateways.map(({ pid }) => residentKiB(pid) / 1024)
  const known = await tokens(1)
  for (const gateway of gateways) await callWithKnown(gateway, known)
  const costs = new Map<Gateway, { known: CallCost[]; fresh: CallCost[] }>(
    gateways.map((gateway) => [gateway, { known: [], fresh: [] }]),
  )
  for (let round = 0; round < ROUNDS; round += 1) {
    progress(`round ${round + 1} of ${ROUNDS}`)
    for (const [gateway, cost] of costs) {
      cost.known.push(await callWithKnown(gateway, known))
      if (gateway.judges) cost.fresh.push(await callWithNew(gateway))
    }
  }
  const direct = { name: 'direct', url: setup.upstream }
  const directly = await latencies(direct, known[0] ?? '')
  const rows: Row[] = []
  for (const [i, gateway] of gateways.entries()) {
    progress(`latency and streams of ${gateway.name}`)
    const { known: knownCosts = [], fresh = [] } = costs.get(gateway) ?? {}
    const held = await gateway.hold(known[0] ?? '')
    const through = await latencies(gateway, held)
    rows.push({
      name: gateway.name,
      known: knownCosts.map(({ cpu }) => cpu),
      fresh: fresh.map(({ cpu }) => cpu),
      added: through.map(({ p50, p99 }, at) => ({
        p50: p50 - (directly[at]?.p50 ?? 0),
        p99: p99 - (directly[at]?.p99 ?? 0),
      })),
      rssMiB: rss[i] ?? Number.NaN,
      ...(gateway.readyMs !== undefined && { readyMs: gateway.readyMs }),
    })
  }
  return withStreams(rows, setup, known)
}

/** A rolecall of its own for idle streams, before an upstream that can hold them. */
async function withStreams(
  rows: readonly Row[],
  setup: Setup,
  known: readonly string[],
): Promise<readonly Row[]> {
  const port = await freePort()
  const program = new URL('./load/silent-upstream.ts', import.meta.url).pathname
  const command = [process.execPath, '--import', 'tsx', program, String(port)]
  await startPinned(CORE.measuring, command, { port })
  const upstream = `http://127.0.0.1:${port}/mcp`
  const gateway = await startRolecall({ ...setup, upstream }, { name: 'streams' })
  const alone = await callWithKnown(gateway, known)
  progress(`${STREAMS} idle streams`)
  const { kibEach, made: among } = await withIdleStreams(gateway, known[0] ?? '', {
    count: STREAMS,
    meanwhile: () => callWithKnown(gateway, known),
  })
  return rows.map((row) =>
    row.name === 'rolecall'
      ? { ...row, streamKiB: kibEach, amongStreams: among.cpu / alone.cpu }
      : row,
  )
}

async function callWithKnown(gateway: Gateway, [token = '']: readonly string[]): Promise<CallCost> {
  return callsThrough(gateway, [await gateway.hold(token)], { folder, seconds: SECONDS })
}

async function callWithNew(gateway: Gateway): Promise<CallCost> {
  const held = await Promise.all((await tokens(NEW_TOKENS)).map((token) => gateway.hold(token)))
  return callsThrough(gateway, held, { folder, seconds: 60 })
}

async function latencies(gateway: Pick<Gateway, 'name' | 'url'>, token: string) {
  const found: Latency[] = []
  for (const rate of RATES) {
    const runs: Latency[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      runs.push(await latencyThrough(gateway, token, { rate, seconds: SECONDS, folder }))
    }
    found.push({ p50: median(runs.map(({ p50 }) => p50)), p99: median(runs.map(({ p99 }) => p99)) })
  }
  return found
}

function tokens(count: number): Promise<readonly string[]> {
  return Promise.all(
    Array.from({ length: count }, () => entra.mint({ groups: 12, lifetime: 3_600 })),
  )
}

async function setUp({ origin, tenantId }: MockEntra): Promise<Setup> {
  const [token = ''] = await tokens(1)
  const jwt = readJwt(token)
  const answer = await fetch(`${origin}/${tenantId}/discovery/v2.0/keys`)
  const { keys } = (await answer.json()) as { keys: (JsonWebKey & { kid?: string })[] }
  const key = keys.find(({ kid }) => kid === jwt?.header['kid'])
  if (!key) throw new Error('the mock does not publish the key that it signs with')
  return {
    folder,
    upstream: await startUpstream(folder),
    issuer: String(jwt?.claims['iss']),
    audience: AKS,
    tenantId,
    authority: origin,
    publicKey: createPublicKey({ key, format: 'jwk' })
      .export({ type: 'spki', format: 'pem' })
      .toString(),
  }
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}
