import type { FastifyInstance } from 'fastify'
import type { ProtectedResource } from '../config/config.ts'
import { protectedResources } from '../config/protected-resources.ts'
import { createApp } from '../http/app.ts'
import type { ResourceParts } from '../http/routes/resource.ts'
import { readEncodedClaims } from '../oauth/claims-request.ts'
import { RequestLog } from '../observe/request-log.ts'
import { signInFacts } from '../sign-in/metadata.ts'
import { createFleet } from './fleet.ts'
import type { Generation, ServiceContext } from './generation.ts'
import type { Memory } from './memory.ts'
import { grantReporter } from './provider-events.ts'
import { signInEndpoints } from './sign-in.ts'

type AppMaterial = Pick<
  Generation,
  'config' | 'provider' | 'keys' | 'memory' | 'accesses' | 'clusters'
>

/** Builds the public side of one configuration: the resources, the fleet and the sign-in. */
export async function createPublicApp(
  { config, provider, keys, memory, accesses, clusters }: AppMaterial,
  context: ServiceContext,
): Promise<FastifyInstance> {
  const requestLog = new RequestLog(context.lines, config.audit, context.audit)
  const serve = <R extends ProtectedResource>(resource: R) => {
    const access = accesses.get(resource.name)
    if (!access) throw new Error(`nobody judges tokens for ${resource.name}`)
    return {
      ...context,
      resource,
      access,
      signIn: signInFacts(resource, config, provider),
      requestLog,
      sessionKeys: keys.for('mcp session id'),
      keepClaims: claimsKeeper(memory),
    }
  }
  const { fleet } = config
  return createApp({
    ...context,
    config,
    requestLog,
    signIn: signInEndpoints(config, {
      ...context,
      provider,
      resources: protectedResources(config).map(serve),
      keys,
      memory,
      onOutcome: grantReporter(context),
    }),
    resources: config.resources.map(serve),
    ...(fleet && {
      fleet: await createFleet(
        serve(fleet.resource),
        config.resources.filter(({ name }) => fleet.members.includes(name)).map(serve),
        {
          ...context,
          fansOut: fleet.fan_out,
          cursorKeys: keys.for('list cursor'),
          questionKeys: keys.for('question state'),
          clusters,
          state: context.fleetState,
        },
      ),
    }),
  })
}

function claimsKeeper({ wantedClaims }: Memory): ResourceParts['keepClaims'] {
  return ({ family, client }, encoded) =>
    wantedClaims.keep({ family, client: client.id }, readEncodedClaims(encoded) ?? '')
}
