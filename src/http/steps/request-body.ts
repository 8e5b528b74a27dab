import { type Readable, Transform } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../../config/config.ts'
import { clientResponse } from '../../forward/client-response.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import type { Identity } from '../../oauth/identity.ts'
import type { RequestRecord } from '../../observe/record.ts'
import { BodyTurns } from '../body-turns.ts'
import type { BodyRoom, BufferedBytes } from '../buffered-bytes.ts'

export interface BodyBounds {
  readonly bodies: BufferedBytes
  readonly limits: Pick<Config['limits'], 'body_bytes' | 'buffered_bytes'>
}

/**
 * What every body meets once the checks have let its request through. It finds room among all bodies
 * that are held (503 otherwise): the whole of its Content-Length at once, in chunks as it arrives; the
 * room is held as long as the request, whose forwarder holds the body. A client that asked whether
 * its body is wanted (`Expect: 100-continue`, RFC 9110 §10.1.1) is told so only then.
 * Long ones are read one after the other.
 */
export function boundBodies(app: FastifyInstance, { bodies, limits }: BodyBounds): void {
  const { body_bytes: longest, buffered_bytes: most } = limits
  app.addHook('preParsing', (request, reply, payload, done) => {
    const { headers } = request.raw
    const length = Number(headers['content-length'] ?? 0)
    const isChunked = headers['transfer-encoding'] !== undefined
    if ((length === 0 && !isChunked) || reply.raw.destroyed) {
      done(null, payload)
      return
    }
    const room = bodies.open({ most, longest, user: userOf(request.record) })
    clientResponse(reply).atClose(() => room.release())
    // What is longer than any body may be is refused as it is read (413), and never held.
    if (length <= longest && !room.take(length)) {
      done(noRoom())
      return
    }
    if (headers.expect !== undefined) reply.raw.writeContinue()
    done(null, isChunked ? counted(payload, room) : payload)
  })
  const turns = new BodyTurns()
  app.addHook('preValidation', ({ body }, _reply, done) => {
    if (Buffer.isBuffer(body)) turns.take(body.length, done)
    else done()
  })
}

/** Resources alone have authenticated theirs when the body comes, and no other endpoint has one then. */
function userOf({ identity }: RequestRecord): string | undefined {
  if (identity === undefined) return undefined
  const known = users.get(identity)
  if (known !== undefined) return known
  const user = JSON.stringify([identity.iss, identity.oid, identity.sub, identity.user])
  users.set(identity, user)
  return user
}

/** Calls with the same token have the same identity. */
const users = new WeakMap<Identity, string>()

/** A body as it came, as long as there is room for it. The connection stays, for the answer. */
function counted(body: Readable, room: BodyRoom): Readable {
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (room.take(chunk.length)) done(null, chunk)
      else done(noRoom())
    },
  })
  body.once('error', (error) => counter.destroy(error))
  return body.pipe(counter)
}

function noRoom(): ErrorAnswer {
  return new ErrorAnswer({
    status: 503,
    error: 'temporarily_unavailable',
    description:
      'This server holds as many request bodies as it may (`limits.buffered_bytes`), in all or of one user; try again in a second.',
    headers: { 'retry-after': '1' },
    reason: 'buffered_bytes',
  })
}
