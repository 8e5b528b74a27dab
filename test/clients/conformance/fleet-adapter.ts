import { Transform } from 'node:stream'
import type { Adapter, Asked } from './hop.ts'

/**
 * What the suite cannot know of a fleet: that each call names its cluster, and that the URI of a
 * resource does. In requests the cluster is put there, where there is none, and in answers it is taken
 * out of URIs; nothing else is changed, and a body that is none of these passes byte for byte.
 */
export function fleetAdapter(cluster: string): Adapter {
  const prefix = `rolecall://${cluster}/`
  return {
    request(asked) {
      const body = parsed(asked.body)
      if (body === undefined) return asked
      const params = body.params ?? {}
      switch (body.method) {
        case 'tools/call':
        case 'prompts/get':
          return withCluster(asked, body, cluster)
        case 'resources/read':
        case 'resources/subscribe':
        case 'resources/unsubscribe':
          return withPrefix(asked, body, prefix)
        case 'completion/complete':
          return withBody(asked, { ...body, params: completion(params, { cluster, prefix }) })
        default:
          return asked
      }
    },
    answer: () => without(prefix),
  }
}

interface Message {
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
}

function parsed(body: Buffer): Message | undefined {
  try {
    const message: unknown = JSON.parse(body.toString())
    return isRecord(message) && typeof message['method'] === 'string'
      ? (message as unknown as Message)
      : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** A client since 2026-07-28 says so in a header too, as the tool's schema has it. */
function withCluster(asked: Asked, body: Message, cluster: string): Asked {
  const { arguments: given = {} } = body.params ?? {}
  if (!isRecord(given) || 'cluster' in given) return asked
  const isTool = body.method === 'tools/call'
  const names = asked.headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
  const mirrors = isTool && names.includes('mcp-method')
  const headers = mirrors ? [...asked.headers, 'Mcp-Param-Cluster', cluster] : asked.headers
  const params = { ...body.params, arguments: { cluster, ...given } }
  return withBody({ ...asked, headers }, { ...body, params })
}

/** Where the request names its resource in a header too, the header says the same as before. */
function withPrefix(asked: Asked, body: Message, prefix: string): Asked {
  const { uri } = body.params ?? {}
  if (typeof uri !== 'string') return asked
  const headers = asked.headers.map((value, i) =>
    i % 2 === 1 && asked.headers[i - 1]?.toLowerCase() === 'mcp-name' ? prefix + value : value,
  )
  const message = { ...body, params: { ...body.params, uri: prefix + uri } }
  return withBody({ ...asked, headers }, message)
}

function completion(
  params: Readonly<Record<string, unknown>>,
  { cluster, prefix }: { readonly cluster: string; readonly prefix: string },
): object {
  const { ref, context } = params
  if (isRecord(ref) && typeof ref['uri'] === 'string') {
    return { ...params, ref: { ...ref, uri: prefix + ref['uri'] } }
  }
  const known = isRecord(context) && isRecord(context['arguments']) ? context['arguments'] : {}
  return {
    ...params,
    context: { ...(isRecord(context) ? context : {}), arguments: { cluster, ...known } },
  }
}

function withBody({ headers }: Asked, message: object): Asked {
  const body = Buffer.from(JSON.stringify(message))
  const lines = headers.map((value, i) =>
    i % 2 === 1 && headers[i - 1]?.toLowerCase() === 'content-length' ? String(body.length) : value,
  )
  return { headers: lines, body }
}

/** Takes a text out of a stream, also where a chunk ends in it. */
function without(text: string): Transform {
  let held = ''
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const whole = (held + chunk.toString('latin1')).replaceAll(text, '')
      const length = endsInPartOf(whole, text)
      held = whole.slice(whole.length - length)
      done(null, Buffer.from(whole.slice(0, whole.length - length), 'latin1'))
    },
    flush(done) {
      done(null, Buffer.from(held, 'latin1'))
    },
  })
}

/** How many characters at its end may be the beginning of that text. */
function endsInPartOf(whole: string, text: string): number {
  for (let length = Math.min(whole.length, text.length - 1); length > 0; length--) {
    if (whole.endsWith(text.slice(0, length))) return length
  }
  return 0
}
