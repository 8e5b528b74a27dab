import { member, text } from '../oauth/claims.ts'
import type { JsonObject } from '../oauth/jwt.ts'
import type { Exchange, Sent } from './exchange.ts'

/** How one probe speaks to one upstream. */
export interface ProbeLine {
  /** Sends one message; `headers` are beside those that every message has. */
  send(message: Sent['message'], headers: readonly string[]): Promise<Exchange>
  /** Tells the upstream that a session is over; whatever it says. */
  end(headers: readonly string[]): Promise<void>
  readonly version: string
}

/** A session with an upstream, under one credential or under none. */
export interface ProbeSession {
  /** Whether it began with `initialize` (up to MCP 2025-11-25) or needs none (2026-07-28). */
  readonly initialized: boolean
  request(method: string, parameters?: JsonObject): Promise<Exchange>
  end(): Promise<void>
}

export type Opening =
  | { readonly kind: 'session'; readonly session: ProbeSession }
  | { readonly kind: 'closed'; readonly exchange: Exchange }

const ASKED_REVISION = '2025-11-25'
const SESSIONLESS_REVISION = '2026-07-28'

/**
 * Opens a session: `initialize`, and where the upstream does not take that, none, as MCP 2026-07-28
 * has it.
 *
 * @param credential header lines, or none
 * @param initialize false: the upstream is known to need none; true: it is known to need it
 */
export async function openSession(
  line: ProbeLine,
  credential: readonly string[],
  initialize?: boolean,
): Promise<Opening> {
  if (initialize === false) return { kind: 'session', session: sessionless(line, credential) }
  const answer = await line.send(
    {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: {
        protocolVersion: ASKED_REVISION,
        capabilities: {},
        clientInfo: clientInfo(line),
      },
    },
    credential,
  )
  if (answer.kind === 'result') {
    const headers = [...credential, ...sessionHeaders(answer)]
    await line.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, headers)
    return { kind: 'session', session: withSession(line, headers) }
  }
  if (initialize === undefined && mayNeedNone(answer)) {
    return { kind: 'session', session: sessionless(line, credential) }
  }
  return { kind: 'closed', exchange: answer }
}

/** A server of the revision without `initialize` does not know the method, or the revision. */
function mayNeedNone(answer: Exchange): boolean {
  return answer.kind === 'error' || (answer.kind === 'status' && [400, 404].includes(answer.status))
}

function sessionHeaders(answer: Extract<Exchange, { kind: 'result' }>): string[] {
  const version = text(answer.result, 'protocolVersion')
  const wellFormed = version !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(version)
  return [
    ...(wellFormed ? ['mcp-protocol-version', version] : []),
    ...(answer.sessionId === undefined ? [] : ['mcp-session-id', answer.sessionId]),
  ]
}

function withSession(line: ProbeLine, headers: readonly string[]): ProbeSession {
  let id = 1
  return {
    initialized: true,
    request(method, params = {}) {
      id += 1
      return line.send({ jsonrpc: '2.0', id, method, params }, headers)
    },
    end: () => (headers.includes('mcp-session-id') ? line.end(headers) : Promise.resolve()),
  }
}

/** Every request says for itself what a session would (MCP 2026-07-28). */
function sessionless(line: ProbeLine, credential: readonly string[]): ProbeSession {
  let id = 0
  const meta = {
    'io.modelcontextprotocol/protocolVersion': SESSIONLESS_REVISION,
    'io.modelcontextprotocol/clientInfo': clientInfo(line),
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  return {
    initialized: false,
    request(method, parameters = {}) {
      id += 1
      const name = member(parameters, 'name')
      const headers = [
        ...credential,
        'mcp-protocol-version',
        SESSIONLESS_REVISION,
        'mcp-method',
        method,
        ...(typeof name === 'string' ? ['mcp-name', headerValue(name)] : []),
      ]
      const params = { ...parameters, _meta: meta }
      return line.send({ jsonrpc: '2.0', id, method, params }, headers)
    },
    end: () => Promise.resolve(),
  }
}

/** Text that is no header value goes in base64, as MCP 2026-07-28 marks it. */
function headerValue(value: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)) return value
  return `=?base64?${Buffer.from(value).toString('base64')}?=`
}

function clientInfo({ version }: ProbeLine) {
  return { name: 'rolecall-probe', version }
}
