import type { FastifyRequest } from 'fastify'
import { exchangeOwner, type Owned } from './exchange-owner.ts'
import type { Forwarding } from './forwarding.ts'
import type { ExchangeOwner } from './open-exchanges.ts'
import { TooMany } from './too-many.ts'

/**
 * What holds of every exchange at the moment it begins, since its body took its time to arrive: the
 * token has not ended meanwhile, and its user has not too much under way.
 *
 * @throws ErrorAnswer with the challenge for a token that has ended; `TooMany`
 */
export function admit(
  request: FastifyRequest,
  owned: Owned,
  {
    exchanges,
    clock,
    limits,
    refuse,
  }: Pick<Forwarding, 'exchanges' | 'clock' | 'limits' | 'refuse'>,
): ExchangeOwner {
  const secondsAgo = Math.floor((clock.now() - owned.decision.permit.principal.expiresAt) / 1000)
  if (secondsAgo >= 0) throw refuse({ reason: 'expired', secondsAgo })
  const owner = exchangeOwner(request, owned)
  if (exchanges.isTooMany(owner, limits)) throw new TooMany(owner, limits)
  return owner
}
