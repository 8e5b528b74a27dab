import type { Dispatcher } from 'undici'
import { sendOwnRequest } from './own-request.ts'
import type { OwnTransport } from './own-session.ts'

/** How one question of rolecall's own reaches one upstream. */
export interface OwnQuestion {
  readonly dispatcher: Pick<Dispatcher, 'request'>
  /** The upstream's. */
  readonly path: string
  /** The User-Agent: it says whose question this is. */
  readonly agent: string
  readonly version: string
  /** Ends all of it. */
  readonly signal: AbortSignal
}

/** Nothing is sent twice; no header goes up but these and those that the session is given. */
export function ownTransport(question: OwnQuestion): OwnTransport {
  const { dispatcher, path, agent, signal, version } = question
  const common = ['accept', 'application/json, text/event-stream', 'user-agent', agent]
  return {
    version,
    send: (message, headers) =>
      sendOwnRequest(dispatcher, {
        path,
        message,
        signal,
        headers: [...common, 'content-type', 'application/json', ...headers],
      }),
    async end(headers) {
      const answer = await dispatcher
        .request({ method: 'DELETE', path, headers: ['user-agent', agent, ...headers], signal })
        .catch(() => undefined)
      answer?.body.on('error', () => undefined).destroy()
    },
  }
}
