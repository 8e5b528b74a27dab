import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import type { Hook } from './step.ts'

const MINUTE_MS = 60_000

/** How often one address may ask for something. */
export interface AddressLimit {
  readonly mostPerMinute: number
  /** What is counted, in the plural, and the setting that bounds it: for the answer. */
  readonly counted: string
  readonly setting: string
  /** Told of each request that is refused, with its answer. */
  readonly onRefused: (answer: ErrorAnswer, request: FastifyRequest) => void
}

/**
 * Ends requests of an address that asks too often (429). What one address may do counts for all
 * endpoints that share the hook, in this process, until the configuration is read again; an IPv6
 * address counts as its /64.
 */
export async function limitAddresses(app: FastifyInstance, limit: AddressLimit): Promise<Hook> {
  const { mostPerMinute: max, onRefused } = limit
  await app.register(rateLimit, { global: false })
  const count = app.createRateLimit({ max, timeWindow: MINUTE_MS })
  return (request, _reply, done) => {
    count(request).then((counted) => {
      if (counted.isAllowed || !counted.isExceeded) {
        done()
        return
      }
      const answer = tooMany(limit, Math.max(1, counted.ttlInSeconds))
      onRefused(answer, request)
      done(answer)
    }, done)
  }
}

function tooMany({ mostPerMinute, counted, setting }: AddressLimit, seconds: number): ErrorAnswer {
  return new ErrorAnswer({
    status: 429,
    error: 'too_many_requests',
    description: `More than ${mostPerMinute} ${counted} in a minute came from this address (${setting}); try again in ${seconds} seconds.`,
    headers: { 'retry-after': String(seconds) },
  })
}
