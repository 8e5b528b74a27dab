import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { deriveKeys } from '../../src/sealing/derived-keys.ts'
import { sealAccessToken } from '../../src/sign-in/sealed/sealed-access-token.ts'
import { familyDigest } from '../../src/sign-in/sessions/family-digest.ts'
import { startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { freePort } from '../environment/ports.ts'
import { AKS } from '../support/gateway.ts'
import { callsThrough, memoryPerStream, type Round } from './measure.ts'

/**
 * rolecall beside what people would write first, in one run on one machine: the figures to quote are
 * the ratios. Linux only: processor time is read from /proc.
 *
 *   npm run bench [-- CALLS]     builds first: the image's code is what counts
 */
const CALLS = Number(process.argv[2] ?? 6400)
const ROUNDS = 5
const STREAMS = 500

interface Proxy {
  readonly name: string
  readonly url: string
  readonly pid: number
  readonly token: string
}

const children: ChildProcess[] = []
const entra = await startMockEntra()
try {
  await run()
} finally {
  for (const child of children) child.kill()
  await entra.close()
}

async function run(): Promise<void> {
  const upstreamPort = await freePort()
  await start(file('./proxies/upstream.ts'), [String(upstreamPort)], upstreamPort)
  const upstream = `http://127.0.0.1:${upstreamPort}/mcp`
  const keys = `${entra.origin}/${entra.tenantId}/discovery/v2.0/keys`
  const token = await entra.mint({ groups: 40, lifetime: 3600 })
  const proxies = [
    await startStock('@fastify/http-proxy', { token, rest: [upstream] }),
    await startStock('the same, jose on every request', { token, rest: [upstream, keys] }),
    await startRolecall('rolecall', upstream, token),
    await startSealing('rolecall, sealed tokens', upstream, token),
  ]
  for (const proxy of proxies)
    await callsThrough(proxy.url, proxy.token, { pid: proxy.pid, calls: CALLS })
  const rounds = new Map<string, Round[]>(proxies.map(({ name }) => [name, []]))
  for (let i = 0; i < ROUNDS; i += 1) {
    for (const { name, url, pid, token: held } of proxies) {
      rounds.get(name)?.push(await callsThrough(url, held, { pid, calls: CALLS }))
    }
  }
  const memory: number[] = []
  for (const { url, pid, token: held } of proxies) {
    memory.push(await memoryPerStream(url, held, { pid, streams: STREAMS }))
  }
  print(proxies, rounds, memory)
}

function print(
  proxies: readonly Proxy[],
  rounds: ReadonlyMap<string, readonly Round[]>,
  memory: readonly number[],
): void {
  const figure = (name: string, of: (round: Round) => number) => {
    const sorted = (rounds.get(name) ?? []).map(of).sort((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  }
  const [first] = proxies
  const base = first ? figure(first.name, ({ cpu }) => cpu) : Number.NaN
  const lines = proxies.map(({ name, token }, i) => {
    const cpu = figure(name, (round) => round.cpu)
    const cells = [
      cpu.toFixed(0).padStart(6),
      (cpu / base).toFixed(2).padStart(6),
      figure(name, ({ p50 }) => p50)
        .toFixed(1)
        .padStart(6),
      figure(name, ({ p99 }) => p99)
        .toFixed(1)
        .padStart(6),
      (memory[i] ?? Number.NaN).toFixed(0).padStart(10),
      String(token.length).padStart(5),
    ]
    return `${name.padEnd(34)}${cells.join('  ')}`
  })
  process.stdout.write(
    `Node ${process.version}, ${CALLS} calls a round, median of ${ROUNDS} rounds\n\n` +
      `${''.padEnd(34)}µs CPU   ratio  p50 ms  p99 ms  KiB/stream  token\n${lines.join('\n')}\n`,
  )
}

async function startStock(
  name: string,
  { token, rest }: { readonly token: string; readonly rest: readonly string[] },
): Promise<Proxy> {
  const port = await freePort()
  const pid = await start(file('./proxies/stock.ts'), [String(port), ...rest], port)
  return { name, url: `http://127.0.0.1:${port}/mcp`, pid, token }
}

/** Clients hold the same token, sealed. */
async function startSealing(name: string, upstream: string, token: string): Promise<Proxy> {
  const key = randomBytes(32).toString('base64url')
  const settings = {
    ROLECALL__SEALING_KEYS: key,
    ROLECALL__IDENTITY_PROVIDER__CLIENT_ID: 'rolecall',
    ROLECALL__SIGN_IN__MODE: 'relay',
    ROLECALL__SIGN_IN__TOKENS: 'sealed',
  }
  const proxy = await startRolecall(name, upstream, token, settings)
  const keys = deriveKeys([key]).for('access token')
  const audience = [{ name: 'prod', url: proxy.url }]
  const session = { family: familyDigest(''), began: Date.now(), client: { id: 'bench' } }
  return { ...proxy, token: await sealAccessToken({ token, audience, session }, keys) }
}

async function startRolecall(
  name: string,
  upstream: string,
  token: string,
  more: NodeJS.ProcessEnv = {},
): Promise<Proxy> {
  const port = await freePort()
  const admin = await freePort()
  const settings = {
    ROLECALL__LISTEN: `127.0.0.1:${port}`,
    ROLECALL__ADMIN_LISTEN: `127.0.0.1:${admin}`,
    ROLECALL__IDENTITY_PROVIDER__KIND: 'entra',
    ROLECALL__IDENTITY_PROVIDER__TENANT_ID: entra.tenantId,
    ROLECALL__IDENTITY_PROVIDER__AUTHORITY: entra.origin,
    ROLECALL__SIGN_IN__MODE: 'off',
    ROLECALL__RESOURCE__0__UPSTREAM: upstream,
    ROLECALL__RESOURCE__0__AUDIENCES: AKS,
    ROLECALL__RESOURCE__0__NAME: 'prod',
    ROLECALL__RESOURCE__0__PATH: '/mcp',
    ROLECALL__RESOURCE__0__ALLOWED_CLIENTS: '*',
    ...more,
  }
  const pid = await start(file('../../dist/cli/rolecall.js'), ['serve'], port, settings)
  while ((await fetch(`http://127.0.0.1:${admin}/readyz`)).status !== 200) await pause()
  return { name, url: `http://localhost:${port}/mcp`, pid, token }
}

async function start(
  path: string,
  args: readonly string[],
  port: number,
  settings: NodeJS.ProcessEnv = {},
): Promise<number> {
  // TypeScript needs a loader, which also changes the code a little: what is built needs none.
  const loader = path.endsWith('.ts') ? ['--import', 'tsx'] : []
  const child = spawn(process.execPath, [...loader, path, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...settings },
  })
  children.push(child)
  for (let i = 0; i < 200; i += 1) {
    if (child.exitCode !== null || child.pid === undefined) break
    if (await answers(port)) return child.pid
    await pause()
  }
  throw new Error(`${path} did not start`)
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => socket.destroy() && resolve(true))
    socket.on('error', () => resolve(false))
  })
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100))
}

function file(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}
