import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from '../../config/config.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import type { LimitName } from '../../observe/metrics/limits-reached.ts'
import { networkOf } from '../client-address.ts'
import type { Hook } from './step.ts'

const MINUTE_MS = 60_000

/**
 * What one address may do so often in a minute. What it did counts for all resources together, in this
 * process, until the configuration is read again; an IPv6 address counts as its /64, since whoever has
 * one address has that network.
 */
export interface AddressLimits {
  /** Registrations. */
  readonly clients: Hook
  /** Requests that begin a sign-in; the answer to the consent page is a part of one. */
  readonly begins: Hook
  /** Callbacks. Each costs a request to the identity provider, whatever its code is. */
  readonly returns: Hook
  /** The same, where clients bring the code. Judged once the form was read: @throws ErrorAnswer 429 */
  readonly codes: (request: FastifyRequest) => Promise<void>
}

export interface AddressLimitParts {
  readonly limits: Pick<Config['limits'], 'registrations_per_minute' | 'sign_ins_per_minute'>
  readonly onRegistrationRefused: (answer: ErrorAnswer, request: FastifyRequest) => void
}

/** Rate limits of an app (429 beyond); each has a count of its own. */
export async function limitAddresses(
  app: FastifyInstance,
  { limits, onRegistrationRefused }: AddressLimitParts,
): Promise<AddressLimits> {
  await app.register(rateLimit, { global: false })
  const registrations = counter(app, {
    most: limits.registrations_per_minute,
    counted: 'registrations',
    setting: 'registrations_per_minute',
  })
  const signIns = () =>
    counter(app, {
      most: limits.sign_ins_per_minute,
      counted: 'sign-ins',
      setting: 'sign_ins_per_minute',
    })
  const begin = hookOf(signIns())
  const codes = signIns()
  return {
    clients: hookOf(registrations, onRegistrationRefused),
    begins: (request, reply, done) => {
      if (request.method === 'GET') begin(request, reply, done)
      else done()
    },
    returns: hookOf(signIns()),
    async codes(request) {
      const refusal = await codes(request)
      if (refusal) throw refusal
    },
  }
}

/** Counts a request; resolves to its refusal when it is one too many. */
type Counter = (request: FastifyRequest) => Promise<ErrorAnswer | undefined>

interface Limit {
  readonly most: number
  /** For the answer: what is counted, in the plural, and the setting that bounds it. */
  readonly counted: string
  readonly setting: LimitName
}

function counter(app: FastifyInstance, limit: Limit): Counter {
  const count = app.createRateLimit({
    max: limit.most,
    timeWindow: MINUTE_MS,
    keyGenerator: ({ record }) => networkOf(record.client_ip),
  })
  return async (request) => {
    const result = await count(request)
    if (result.isAllowed || !result.isExceeded) return undefined
    return tooMany(limit, Math.max(1, result.ttlInSeconds))
  }
}

function hookOf(
  count: Counter,
  onRefused: AddressLimitParts['onRegistrationRefused'] = ignore,
): Hook {
  return (request, _reply, done) => {
    count(request).then((refusal) => {
      if (refusal) onRefused(refusal, request)
      done(refusal)
    }, done)
  }
}

function ignore(): void {}

function tooMany({ most, counted, setting }: Limit, seconds: number): ErrorAnswer {
  return new ErrorAnswer({
    status: 429,
    error: 'too_many_requests',
    description: `More than ${most} ${counted} in a minute came from this address (limits.${setting}); try again in ${seconds} seconds.`,
    headers: { 'retry-after': String(seconds) },
    reason: setting,
  })
}
