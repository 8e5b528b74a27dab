import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createBrowser } from '../environment/browser.ts'
import { type HeldTokens, heldTokens, refresh, signIn } from '../support/broker-client.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { onRedis, type RedisServer } from '../support/redis-server.ts'
import { type RoundRobin, startRoundRobin } from '../support/round-robin.ts'
import { withHelm } from './support/availability.ts'
import type { Installed } from './support/installed.ts'
import { brokerReplicas } from './support/replicas.ts'

const REPLICAS = 3
const CALLERS = 4
/** Until a cluster sends nobody any more to a pod that is being ended; below `shutdown_delay`. */
const NOTICED_MS = 400

withHelm('a rolling upgrade', () => {
  onRedis('a rolling upgrade', () => {
    interface Deployed {
      readonly balancer: RoundRobin
      readonly redis: RedisServer
      /** Starts one more replica; nobody is sent there yet. */
      start(): Promise<Installed>
    }

    /** An MCP server that answers a call after a moment, and holds streams open. */
    async function deploy(t: TestContext): Promise<Deployed> {
      const upstream = await startUpstream(t)
      upstream.answerWith(async (request, response) => {
        if (request.method === 'GET') {
          response.writeHead(200, { 'content-type': 'text/event-stream' })
          response.write(': open\n\n')
          return
        }
        await delay(20)
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end('{"jsonrpc":"2.0","id":1,"result":{}}')
      })
      const { redis, start: startReplica } = await brokerReplicas(t, upstream)
      const balancer = await startRoundRobin(t)
      const environment = { ROLECALL__SHUTDOWN_DELAY: '1s', ROLECALL__SHUTDOWN_GRACE: '3s' }
      const start = (): Promise<Installed> =>
        startReplica({ publicUrl: balancer.origin, environment })
      return { balancer, redis, start }
    }

    /** Calls without a pause until it is told to stop; returns what was answered, and how often. */
    function callWith({ access }: HeldTokens, { origin }: RoundRobin) {
      const answers: Record<string, number> = {}
      let goesOn = true
      const call = async (): Promise<string> => {
        try {
          const answer = await fetch(`${origin}/mcp`, {
            method: 'POST',
            ...asMcp(access),
            body: PING,
          })
          await answer.body?.cancel()
          return String(answer.status)
        } catch (error) {
          return String(error)
        }
      }
      const caller = async (): Promise<void> => {
        while (goesOn) {
          const answer = await call()
          answers[answer] = (answers[answer] ?? 0) + 1
        }
      }
      const callers = Promise.all(Array.from({ length: CALLERS }, caller))
      return {
        answers,
        stop: async () => {
          goesOn = false
          await callers
        },
      }
    }

    /** Opens a stream; settles when it has ended, and says how. */
    async function streamEnds({ access }: HeldTokens, { origin }: RoundRobin): Promise<string> {
      const answer = await fetch(`${origin}/mcp`, asMcp(access))
      if (answer.status !== 200) return `refused: ${answer.status}`
      return await answer.text().then(
        () => 'ended cleanly',
        (error: unknown) => `cut: ${String(error)}`,
      )
    }

    /** Once it is back, clients get through when they come again as they were told. */
    async function refreshLater(balancer: RoundRobin, held: HeldTokens): Promise<HeldTokens> {
      for (let tries = 0; tries < 50; tries += 1) {
        const answer = await refresh(balancer, held)
        if (answer.status !== 503) return heldTokens(answer, held.clientId)
        await delay(200)
      }
      return assert.fail('Redis is back, and refreshing is still 503')
    }

    test('no call fails, streams end cleanly, and without Redis only sign-ins wait', async (t) => {
      const { balancer, redis, start } = await deploy(t)
      let running: Installed[] = []
      const serve = (): void => balancer.spreadOver(running.map(({ origin }) => origin))
      for (let count = 0; count < REPLICAS; count += 1) running.push(await start())
      serve()
      const held = await signIn(balancer, createBrowser(), { username: 'alice' })
      const streams = [streamEnds(held, balancer), streamEnds(held, balancer)]
      const load = callWith(held, balancer)
      for (const [index, old] of [...running].entries()) {
        if (index === 1) await redis.kill()
        running.push(await start())
        serve()
        const stopped = old.stop()
        await delay(NOTICED_MS)
        running = running.filter((it) => it !== old)
        serve()
        await stopped
      }
      const refused = await refresh(balancer, held)
      assert.deepEqual([refused.status, refused.body['error']], [503, 'temporarily_unavailable'])
      await redis.start()
      await load.stop()
      assert.deepEqual(Object.keys(load.answers), ['200'], JSON.stringify(load.answers))
      assert.ok((load.answers['200'] ?? 0) > 100, JSON.stringify(load.answers))
      assert.deepEqual(await Promise.all(streams), ['ended cleanly', 'ended cleanly'])
      await refreshLater(balancer, held)
    })
  })
})

const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })

function asMcp(token: string): { headers: Record<string, string> } {
  return {
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
  }
}
