import type { FastifyInstance } from 'fastify'
import type { ResourceAccess } from '../../access/authenticate.ts'
import type { Clock } from '../../clock.ts'
import type { Config, ResourceConfig } from '../../config/config.ts'
import type { OpenStreams } from '../../forward/open-streams.ts'
import { registerResource } from '../../forward/route.ts'
import { createUpstream } from '../../forward/upstream.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import type { SignInFacts } from '../../sign-in/metadata.ts'
import { guardHook } from '../steps/bearer-guard.ts'
import { originHook } from '../steps/cors.ts'
import { isAt, methodHook, notFound, RESOURCE_METHODS } from '../steps/exact-path.ts'
import { hostHook } from '../steps/host.ts'
import { pathOf } from '../steps/raw-request.ts'
import type { Hook } from '../steps/step.ts'
import { tokenInQuery } from '../steps/token-in-query.ts'
import { refusals } from './bearer-challenge.ts'

/** What one resource is served with. */
export interface ResourceParts {
  readonly resource: ResourceConfig
  readonly access: ResourceAccess
  readonly signIn: SignInFacts
  readonly streams: OpenStreams
  readonly sessionKeys: KeyRing
  readonly clock: Clock
  readonly version: string
}

/**
 * One resource: the steps of a request in their order, then the route itself. Each step ends the
 * request or lets it through; what cannot be right is refused before the token is looked at.
 */
export function resourceScope(parts: ResourceParts, config: Config) {
  const { resource, clock, access } = parts
  const refuse = refusals(parts, config)
  const upstream = createUpstream(resource)
  const steps: readonly Hook[] = [
    exactPath(resource, config),
    tokenInQuery,
    hostHook(config),
    originHook(config, RESOURCE_METHODS.join(', ')),
    methodHook(RESOURCE_METHODS),
    guardHook({ access, clock, refuse: refuse.answer }),
  ]
  return async (scope: FastifyInstance): Promise<void> => {
    scope.decorateRequest('accessDecision')
    for (const step of steps) scope.addHook('onRequest', step)
    scope.addHook('onClose', () => upstream.close())
    const forwarding = { ...parts, upstream, refuse: refuse.answer, wantClaims: refuse.wantClaims }
    await registerResource(scope, forwarding, config.limits)
  }
}

/** http-proxy's route also matches what lies below the path, and decoded spellings of it. */
function exactPath(resource: ResourceConfig, config: Config): Hook {
  return (request, _reply, done) => {
    const path = pathOf(request)
    if (!isAt(path, resource)) done(notFound(path, config))
    else {
      request.record.resource = resource.name
      done()
    }
  }
}
