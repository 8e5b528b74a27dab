import type { LookupFunction } from 'node:net'
import type { CustomFetch } from 'openid-client'
import { Agent, EnvHttpProxyAgent, fetch, type RequestInit } from 'undici'
import type { Clock } from '../clock.ts'
import { DocumentError } from './document-error.ts'
import { errorCode } from './error-code.ts'
import { isClusterInternalHost, isLoopbackHost } from './loopback.ts'

/** `fetch` as openid-client calls it. The answer is whole: its body was read before it is returned. */
export type BoundedFetch = CustomFetch

/**
 * Which hosts may be asked by plain http: this machine alone, or also names that resolve within a
 * cluster only (`http://keycloak.keycloak.svc`), where the network is the operator's.
 */
export type PlainHttp = 'loopback' | 'cluster-internal'

/** The bounds of one connection; each has a default. */
export interface BoundedFetchOptions {
  readonly clock: Clock
  /** PEM: the only authorities trusted for the servers asked; absent: the system's. */
  readonly certificateAuthority?: string
  /** For the whole exchange, from the call to the last byte, in milliseconds. */
  readonly timeout?: number
  /** For the decoded body, in bytes. */
  readonly bodyLimit?: number
  /** Default: loopback. */
  readonly plainHttp?: PlainHttp
  /**
   * Finds the addresses of hosts that are asked directly; absent: the system. A proxy finds them by
   * itself, so that with this only one that was named for https counts: `HTTPS_PROXY`.
   */
  readonly lookup?: LookupFunction
  /** A redirect is an answer like any other, for who wants to see where it leads; never followed. */
  readonly showsRedirects?: boolean
}

/** A fetch with its sockets. */
export interface BoundedConnection {
  readonly fetch: BoundedFetch
  /** Ends every exchange and every socket. */
  close(): void
}

export const DEFAULT_TIMEOUT_MS = 5_000
const DEFAULT_BODY_LIMIT_BYTES = 1_048_576

/**
 * The one fetch for discovery, key set, token endpoint and the metadata documents of clients, with the
 * bounds that none of them needs to exceed: time, size, no redirect, https but for `plainHttp`.
 * Against SSRF a caller whose URLs come from outside gives a `lookup` that hands out public addresses
 * alone (`public-address.ts`).
 *
 * `HTTPS_PROXY` and `NO_PROXY` are honoured on every Node version, which the global `fetch` of
 * Node 20 does not do. Loopback and plain http are never sent to a proxy: there loopback would mean
 * another machine, and plain http is taken only because it stays within this one or this cluster. The
 * certificate of an https proxy
 * is judged by the system's authorities: the proxy is not the server that is asked.
 *
 * Not checked: status, content type and content.
 *
 * @throws DocumentError from `fetch`, with a reason and without any part of a body
 * @throws Error at once when a proxy variable is not a URL
 */
export function createBoundedFetch(options: BoundedFetchOptions): BoundedConnection {
  const {
    clock,
    timeout = DEFAULT_TIMEOUT_MS,
    bodyLimit = DEFAULT_BODY_LIMIT_BYTES,
    lookup,
  } = options
  // Said outright: NODE_TLS_REJECT_UNAUTHORIZED=0 would otherwise let anybody hand us keys.
  const tls = {
    rejectUnauthorized: true,
    ...(options.certificateAuthority ? { ca: options.certificateAuthority } : {}),
  }
  const connect = { ...tls, timeout, ...(lookup && { lookup }) }
  const direct = new Agent({ connect })
  const routed = environmentAgent({
    connect,
    requestTls: { ...tls, timeout },
    proxyTls: { rejectUnauthorized: true },
    ...(lookup && { httpProxy: '' }),
  })

  const boundedFetch: BoundedFetch = async (url, init) => {
    const target = checkedUrl(url, options.plainHttp)
    const controller = new AbortController()
    const late = new DocumentError('timeout', `${label(target)}: no answer within ${timeout} ms`)
    const cancel = clock.after(timeout, () => controller.abort(late))
    const unlink = followSignal(init.signal, controller)
    try {
      const response = await fetch(target, {
        ...(init as RequestInit),
        redirect: 'manual',
        signal: controller.signal,
        dispatcher: isAskedDirectly(target) ? direct : routed,
      })
      if (response.status >= 300 && response.status < 400 && !options.showsRedirects) {
        controller.abort()
        throw new DocumentError('redirect', `${label(target)}: redirects are not followed`)
      }
      const body = await readWhole(response.body, bodyLimit, label(target))
      return wholeResponse(response, body)
    } catch (error) {
      controller.abort()
      throw fetchError(error, label(target))
    } finally {
      cancel()
      unlink()
    }
  }

  return {
    fetch: boundedFetch,
    close() {
      const stopped = new DocumentError('stopped', 'stopped')
      direct.destroy(stopped).catch(() => undefined)
      routed.destroy(stopped).catch(() => undefined)
    },
  }
}

/**
 * A URL that may be asked: https, or http where `plainHttp` takes it, without user info.
 *
 * @throws DocumentError `plain_http` for http elsewhere, `incomplete` for anything not a URL
 */
export function checkedUrl(text: string, plainHttp: PlainHttp = 'loopback'): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || url.username || url.password || !/^https?:$/.test(url.protocol)) {
    throw new DocumentError('incomplete', 'an address in the discovery document is not a URL')
  }
  if (url.protocol === 'http:' && !takesPlainHttp(url.hostname, plainHttp)) {
    const but = plainHttp === 'loopback' ? '' : ' and to cluster-internal names'
    throw new DocumentError('plain_http', `${label(url)}: https is required, but on loopback${but}`)
  }
  return url
}

function takesPlainHttp(host: string, plainHttp: PlainHttp): boolean {
  if (isLoopbackHost(host)) return true
  return plainHttp === 'cluster-internal' && isClusterInternalHost(host)
}

function isAskedDirectly(url: URL): boolean {
  return url.protocol === 'http:' || isLoopbackHost(url.hostname)
}

/** What stands in `connect` is for hosts without a proxy: undici connects to a proxy without it. */
function environmentAgent(options: EnvHttpProxyAgent.Options): EnvHttpProxyAgent {
  try {
    return new EnvHttpProxyAgent(options)
  } catch {
    throw new Error('HTTPS_PROXY or HTTP_PROXY is not a URL such as http://proxy.example:3128')
  }
}

function label(url: URL): string {
  return url.origin + url.pathname
}

function followSignal(signal: AbortSignal | undefined, controller: AbortController): () => void {
  if (!signal) return () => undefined
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort)
  return () => signal.removeEventListener('abort', abort)
}

async function readWhole(
  body: AsyncIterable<Uint8Array> | null,
  limit: number,
  name: string,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > limit) throw new DocumentError('too_large', `${name}: more than ${limit} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function wholeResponse(
  response: { readonly status: number; readonly headers: Iterable<[string, string]> },
  body: Buffer,
): Response {
  const headers = new Headers([...response.headers])
  // The body was decoded while it was read.
  for (const name of ['content-encoding', 'content-length', 'transfer-encoding']) {
    headers.delete(name)
  }
  const content = body.byteLength === 0 ? null : new Uint8Array(body)
  return new Response(content, { status: response.status, headers })
}

function fetchError(error: unknown, name: string): DocumentError {
  const cause = rootCause(error)
  if (cause instanceof DocumentError) return cause
  if (cause instanceof Error && cause.message.startsWith('Proxy response')) {
    return new DocumentError('proxy_refused', `${name}: the proxy refused to connect`)
  }
  const code = errorCode(cause)
  if (/CERT|^UNABLE_TO_|^ERR_TLS|^ERR_SSL|^HOSTNAME_MISMATCH/.test(code)) {
    return new DocumentError('untrusted_certificate', `${name}: certificate not trusted (${code})`)
  }
  return new DocumentError('unreachable', `${name}: could not be reached (${code})`)
}

/** undici wraps what went wrong, through a proxy more than once. */
function rootCause(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DocumentError) return error
  return error.cause === undefined ? error : rootCause(error.cause)
}
