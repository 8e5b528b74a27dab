import { setTimeout as delay } from 'node:timers/promises'
import { Agent, fetch } from 'undici'
import { ADMIN_NAME } from './configuration.ts'

/** An API server as its administrator reaches it. */
export interface ClusterAdmin {
  /**
   * Sends one request.
   *
   * @throws when the answer is not of the 200s; the message has what was asked and answered
   */
  send(method: string, path: string, body?: object): Promise<string>
  /** The status of one GET with another bearer, or with none; 0 when there was no answer. */
  probe(path: string, bearer?: string): Promise<number>
  close(): Promise<void>
}

export interface ClusterAccess {
  readonly server: string
  readonly certificateAuthority: string
  readonly adminToken: string
}

const REQUEST_TIMEOUT = 10_000
const POLL_INTERVAL = 50

export function connectAdmin({
  server,
  certificateAuthority,
  adminToken,
}: ClusterAccess): ClusterAdmin {
  const agent = new Agent({ connect: { ca: certificateAuthority } })
  return {
    send: async (method, path, body) => {
      const answer = await fetch(`${server}${path}`, {
        method,
        dispatcher: agent,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT),
        headers: {
          authorization: `Bearer ${adminToken}`,
          'content-type': contentType(method),
          // It becomes the manager of every field that it sets.
          'user-agent': ADMIN_NAME,
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${text}`)
      return text
    },
    probe: async (path, bearer) => {
      try {
        const answer = await fetch(`${server}${path}`, {
          dispatcher: agent,
          signal: AbortSignal.timeout(REQUEST_TIMEOUT),
          headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
        })
        await answer.body?.cancel()
        return answer.status
      } catch {
        return 0
      }
    },
    close: () => agent.destroy(),
  }
}

function contentType(method: string): string {
  return method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
}

/**
 * Asks again and again until the answer is yes.
 *
 * @param stopped ends the asking
 * @param timeout milliseconds
 * @returns whether it ever was yes
 */
export async function pollUntil(
  ask: () => Promise<boolean>,
  stopped: AbortSignal,
  timeout: number,
): Promise<boolean> {
  const deadline = performance.now() + timeout
  while (!stopped.aborted && performance.now() < deadline) {
    if (await ask()) return true
    await delay(POLL_INTERVAL)
  }
  return false
}
