import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** A span as it arrived. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty: it has none. */
  readonly parentId: string
  readonly name: string
  /** 1: internal, 2: server, 3: client. */
  readonly kind: number
  /** Nanoseconds. */
  readonly start: bigint
  readonly end: bigint
  readonly attributes: Readonly<Record<string, string | number>>
  /** Of the service. */
  readonly resource: Readonly<Record<string, string | number>>
}

export interface OtlpReceiver {
  /** What `OTEL_EXPORTER_OTLP_ENDPOINT` is set to. */
  readonly endpoint: string
  readonly spans: readonly ReceivedSpan[]
  /** All bytes that arrived, as text: for what must not be in them. */
  text(): string
  /** Resolves with the spans once they satisfy this. */
  until(enough: (spans: readonly ReceivedSpan[]) => boolean): Promise<readonly ReceivedSpan[]>
}

/** A collector that takes OTLP over HTTP in protobuf, and takes it apart. */
export async function startOtlpReceiver(t: TestContext): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  const bodies: Buffer[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      bodies.push(body)
      if (request.url === '/v1/traces') spans.push(...spansOf(body))
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    text: () => Buffer.concat(bodies).toString('latin1'),
    async until(enough) {
      const deadline = performance.now() + 10_000
      while (!enough(spans)) {
        if (performance.now() > deadline)
          throw new Error(`only ${JSON.stringify(spans.map(({ name }) => name))}`)
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
      return spans
    },
  }
}

/** ExportTraceServiceRequest: opentelemetry/proto/trace/v1/trace.proto, by its field numbers. */
function spansOf(body: Buffer): ReceivedSpan[] {
  return bytesIn(body, 1).flatMap((resourceSpans) => {
    const resource = attributesOf(bytesIn(resourceSpans, 1)[0] ?? Buffer.alloc(0), 1)
    return bytesIn(resourceSpans, 2).flatMap((scopeSpans) =>
      bytesIn(scopeSpans, 2).map((span) => spanOf(span, resource)),
    )
  })
}

function spanOf(span: Buffer, resource: ReceivedSpan['resource']): ReceivedSpan {
  const bytes = (field: number) => bytesIn(span, field)[0] ?? Buffer.alloc(0)
  return {
    traceId: bytes(1).toString('hex'),
    spanId: bytes(2).toString('hex'),
    parentId: bytes(4).toString('hex'),
    name: bytes(5).toString(),
    kind: Number(numberIn(span, 6)),
    start: numberIn(span, 7),
    end: numberIn(span, 8),
    attributes: attributesOf(span, 9),
    resource,
  }
}

function attributesOf(message: Buffer, field: number): Record<string, string | number> {
  return Object.fromEntries(
    bytesIn(message, field).map((pair) => {
      const value = bytesIn(pair, 2)[0] ?? Buffer.alloc(0)
      const [text] = bytesIn(value, 1)
      return [bytesIn(pair, 1)[0]?.toString() ?? '', text?.toString() ?? Number(numberIn(value, 3))]
    }),
  )
}

interface Field {
  readonly number: number
  readonly value: Buffer | bigint
}

function bytesIn(message: Buffer, field: number): Buffer[] {
  return [...fieldsOf(message)].flatMap(({ number, value }) =>
    number === field && Buffer.isBuffer(value) ? [value] : [],
  )
}

function numberIn(message: Buffer, field: number): bigint {
  const found = [...fieldsOf(message)].find(({ number }) => number === field)
  return typeof found?.value === 'bigint' ? found.value : 0n
}

/** The protobuf wire format: tag, then a varint, eight bytes, a length with bytes, or four bytes. */
function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at] ?? 0
      at += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const bytes = (length: number): Buffer => {
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const tag = Number(varint())
    const number = tag >> 3
    const wire = tag & 7
    if (wire === 0) yield { number, value: varint() }
    else if (wire === 1) yield { number, value: bytes(8).readBigUInt64LE() }
    else if (wire === 5) yield { number, value: BigInt(bytes(4).readUInt32LE()) }
    else yield { number, value: bytes(Number(varint())) }
  }
}
