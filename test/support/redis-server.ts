import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { type Child, startChild } from '../environment/child-process.ts'
import { freePort } from '../environment/ports.ts'

interface Ends {
  after(end: () => unknown): void
}

/** A redis-server of its own on loopback, which keeps nothing on disk. */
export interface RedisServer {
  /** With the password, where there is one. */
  readonly url: string
  readonly port: number
  /** Ends it at once, and all that it knows. */
  kill(): Promise<void>
  /** Starts it again on the same port; resolves when it answers. */
  start(): Promise<void>
  /** It takes connections and commands, and answers nothing. */
  freeze(): void
  thaw(): void
  /** Every key with its value. */
  contents(): Promise<ReadonlyMap<string, string>>
  /** Sends one command and returns the answer. */
  command(name: string, ...parameters: readonly string[]): Promise<unknown>
}

export interface RedisServerOptions {
  readonly password?: string
  /** Further arguments of redis-server. */
  readonly arguments?: readonly string[]
  /** Nothing listens until `start`. */
  readonly later?: boolean
}

const missing = whatIsMissing()

/** Whether tests that need redis-server are skipped here. */
export const redisIsMissing = missing !== undefined

/**
 * Defines tests that need redis-server. Where it is missing, one test stands in their place: it
 * fails with CI=true and is else skipped, and says what to do in both cases.
 */
export function onRedis(name: string, define: () => void): void {
  if (missing === undefined) define()
  else if (process.env['CI'] === 'true') test(name, () => assert.fail(missing))
  else test(name, { skip: missing }, () => undefined)
}

/** Starts one; it is ended with the test. */
export async function startRedis(t: Ends, options: RedisServerOptions = {}): Promise<RedisServer> {
  const port = await freePort()
  const login = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`
  const url = `redis://${login}127.0.0.1:${port}`
  let child: Child | undefined
  const kill = async () => {
    if (child) process.kill(child.pid, 'SIGKILL')
    await child?.exited
    child = undefined
  }
  const asking = async <T>(ask: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: 200 })
    redis.on('error', () => undefined)
    return ask(redis).finally(() => redis.disconnect())
  }
  const server: RedisServer = {
    url,
    port,
    kill,
    async start() {
      child = await startChild({
        command: 'redis-server',
        arguments: argumentsOf(port, options),
        environment: process.env,
      })
      await asking((redis) => redis.ping())
    },
    freeze: () => void (child && process.kill(child.pid, 'SIGSTOP')),
    thaw: () => void (child && process.kill(child.pid, 'SIGCONT')),
    contents: () => asking(allOf),
    command: (name, ...parameters) => asking((redis) => redis.call(name, ...parameters)),
  }
  t.after(kill)
  if (!options.later) await server.start()
  return server
}

function argumentsOf(port: number, options: RedisServerOptions): readonly string[] {
  const { password, arguments: further = [] } = options
  const base = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  return [...base, ...(password === undefined ? [] : ['--requirepass', password]), ...further]
}

async function allOf(redis: Redis): Promise<ReadonlyMap<string, string>> {
  const keys = await redis.keys('*')
  const values = await Promise.all(keys.map((key) => contentOf(redis, key)))
  return new Map(keys.map((key, index) => [key, values[index] ?? '']))
}

/** Logs and sets as the texts in them. */
async function contentOf(redis: Redis, key: string): Promise<string | null> {
  const type = await redis.type(key)
  if (type === 'stream') return JSON.stringify(await redis.xrange(key, '-', '+'))
  if (type === 'zset') return JSON.stringify(await redis.zrange(key, 0, -1))
  return redis.get(key)
}

function whatIsMissing(): string | undefined {
  if (spawnSync('redis-server', ['--version']).status === 0) return undefined
  return 'redis-server is not there: apt-get install -y --no-install-recommends redis-server'
}
