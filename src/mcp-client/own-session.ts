import { member, text } from '../oauth/claims.ts'
import { isJsonObject, type JsonObject } from '../oauth/json.ts'
import type { OwnAnswer, OwnRequest } from './own-request.ts'

/** How rolecall's own question reaches one upstream. */
export interface OwnTransport {
  /** Sends one message; `headers` are beside those that every message has. */
  send(message: OwnRequest['message'], headers: readonly string[]): Promise<OwnAnswer>
  /** Tells the upstream that a session is over; whatever it says. */
  end(headers: readonly string[]): Promise<void>
  readonly version: string
}

/** A session with an upstream, under one credential or under none. */
export interface OwnSession {
  /** Whether it began with `initialize` (up to MCP 2025-11-25) or needs none (2026-07-28). */
  readonly initialized: boolean
  /** Of the server, where `initialize` told it. */
  readonly serverVersion?: string
  request(method: string, parameters?: JsonObject): Promise<OwnAnswer>
  end(): Promise<void>
}

export type OpenedSession =
  | { readonly kind: 'session'; readonly session: OwnSession }
  | { readonly kind: 'closed'; readonly exchange: OwnAnswer }

const ASKED_REVISION = '2025-11-25'
const SESSIONLESS_REVISION = '2026-07-28'

/**
 * Opens a session: `initialize`, and where the upstream does not take that, none, as MCP 2026-07-28
 * has it.
 *
 * @param credential header lines, or none
 * @param initialize false: the upstream is known to need none; true: it is known to need it
 */
export async function openOwnSession(
  transport: OwnTransport,
  credential: readonly string[],
  initialize?: boolean,
): Promise<OpenedSession> {
  if (initialize === false) return { kind: 'session', session: sessionless(transport, credential) }
  const answer = await transport.send(
    {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: {
        protocolVersion: ASKED_REVISION,
        capabilities: {},
        clientInfo: clientInfo(transport),
      },
    },
    credential,
  )
  if (answer.kind === 'result') {
    const headers = [...credential, ...sessionHeaders(answer)]
    await transport.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, headers)
    return { kind: 'session', session: withSession(transport, headers, answer.result) }
  }
  if (initialize === undefined && mayNeedNone(answer)) {
    return { kind: 'session', session: sessionless(transport, credential) }
  }
  return { kind: 'closed', exchange: answer }
}

/** A server of the revision without `initialize` does not know the method, or the revision. */
function mayNeedNone(answer: OwnAnswer): boolean {
  return answer.kind === 'error' || (answer.kind === 'status' && [400, 404].includes(answer.status))
}

function sessionHeaders(answer: Extract<OwnAnswer, { kind: 'result' }>): string[] {
  const version = text(answer.result, 'protocolVersion')
  const wellFormed = version !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(version)
  return [
    ...(wellFormed ? ['mcp-protocol-version', version] : []),
    ...(answer.sessionId === undefined ? [] : ['mcp-session-id', answer.sessionId]),
  ]
}

function withSession(
  transport: OwnTransport,
  headers: readonly string[],
  initialized: JsonObject,
): OwnSession {
  const version = serverVersion(member(initialized, 'serverInfo'))
  let id = 1
  return {
    initialized: true,
    ...(version !== undefined && { serverVersion: version }),
    request(method, params = {}) {
      id += 1
      return transport.send({ jsonrpc: '2.0', id, method, params }, headers)
    },
    end: () => (headers.includes('mcp-session-id') ? transport.end(headers) : Promise.resolve()),
  }
}

/** The version of what MCP calls an implementation. */
export function serverVersion(info: unknown): string | undefined {
  return isJsonObject(info) ? text(info, 'version') : undefined
}

/** Every request says for itself what a session would (MCP 2026-07-28). */
function sessionless(transport: OwnTransport, credential: readonly string[]): OwnSession {
  let id = 0
  const meta = {
    'io.modelcontextprotocol/protocolVersion': SESSIONLESS_REVISION,
    'io.modelcontextprotocol/clientInfo': clientInfo(transport),
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
      return transport.send({ jsonrpc: '2.0', id, method, params }, headers)
    },
    end: () => Promise.resolve(),
  }
}

/** Text that is no header value goes in base64, as MCP 2026-07-28 marks it. */
function headerValue(value: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value)) return value
  return `=?base64?${Buffer.from(value).toString('base64')}?=`
}

function clientInfo({ version }: OwnTransport) {
  return { name: 'rolecall-probe', version }
}
