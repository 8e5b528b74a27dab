import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Authentication, authenticate, type Principal } from '../../access/authenticate.ts'
import { authorize } from '../../access/authorize.ts'
import type { Config } from '../../config/config.ts'
import type { ErrorAnswer } from '../../oauth/error-answer.ts'
import type { Identity } from '../../oauth/identity.ts'
import { valuesOf } from '../steps/raw-request.ts'
import { refusals } from './bearer-challenge.ts'
import type { ServedResource } from './resource.ts'

const PATH = '/oauth/whoami'

/** What the bearer of a token is told: whose it is, until when, and where it counts. */
interface Whoami extends Omit<Identity, 'token_id'> {
  /** Absent: the token does not tell them. */
  readonly groups?: readonly string[]
  /**
   * Which are missing, and why: all, since there are too many for the token or `groups_claim` is empty;
   * or those that no setting names, since Microsoft Graph was asked for the others alone.
   */
  readonly groups_missing?: 'left_out' | 'not_read' | 'not_named'
  /** RFC 3339. */
  readonly expires_at: string
  /** The MCP client and the session that the token was handed out in; absent where it was not. */
  readonly client?: { readonly id: string; readonly name?: string }
  readonly session?: { readonly began_at: string; readonly ends_at: string }
  /** The resources that take this token; `permitted`: and let this user in. */
  readonly resources: readonly { readonly name: string; readonly permitted: boolean }[]
}

type Resource = ServedResource

/**
 * `GET /oauth/whoami`: who the bearer is, by the checks of the resources themselves. Not checked
 * here: what the user may do in the cluster.
 *
 * @param resources in the order of the configuration
 */
export function whoamiRoute(
  app: FastifyInstance,
  config: Config,
  resources: readonly Resource[],
): void {
  app.route({
    url: PATH,
    method: app.supportedMethods,
    config: { endpoint: { name: 'whoami', path: PATH } },
    async handler(request, reply) {
      const whoami = await identify(request, config, resources)
      request.record.decision = 'allow'
      return reply
        .header('cache-control', 'no-store')
        .type('application/json; charset=utf-8')
        .send(JSON.stringify(whoami))
    },
  })
}

/** @throws ErrorAnswer when no resource takes the token */
async function identify(
  request: FastifyRequest,
  config: Config,
  resources: readonly Resource[],
): Promise<Whoami> {
  const values = valuesOf(request.raw.rawHeaders, 'authorization')
  const accepted: Accepted[] = []
  const refused: Refused[] = []
  for (const resource of resources) {
    const verdict = await authenticate(values, resource.access, () => resource.clock.now())
    if (verdict.kind === 'refused') refused.push({ resource, verdict })
    else accepted.push({ resource, principal: verdict.principal })
  }
  const [first] = accepted
  if (!first) throw refusalOf(refused, request, config)
  request.record.identity = first.principal.identity
  return whoamiOf(first, accepted, config)
}

interface Accepted {
  readonly resource: Resource
  readonly principal: Principal
}

interface Refused {
  readonly resource: Resource
  readonly verdict: Extract<Authentication, { kind: 'refused' }>
}

/**
 * The first resource's refusal; but a token that one of them could not judge may still be good, and
 * one that only opened elsewhere is judged there.
 */
function refusalOf(
  refused: readonly Refused[],
  request: FastifyRequest,
  config: Config,
): ErrorAnswer | Error {
  const undecided = refused.find(({ verdict }) => verdict.refusal.reason === 'unavailable')
  const opened = refused.find(({ verdict }) => verdict.refusal.reason !== 'not_sealed')
  const decisive = undecided ?? opened ?? refused[0]
  if (!decisive) return new Error('there is no resource')
  const { resource, verdict } = decisive
  if (verdict.claimed) request.record.identity = verdict.claimed
  return refusals(resource, config).answer(verdict.refusal)
}

function whoamiOf({ principal }: Accepted, accepted: readonly Accepted[], config: Config): Whoami {
  const { identity, expiresAt } = principal
  const { token_id: _, ...whose } = identity
  return {
    ...whose,
    ...toldGroups(principal),
    expires_at: new Date(expiresAt).toISOString(),
    ...handedOutIn(principal, config),
    resources: accepted.map(({ principal: judged, resource: { resource: one, access } }) => ({
      name: one.name,
      permitted: authorize(judged, access.policy).kind === 'permit',
    })),
  }
}

function toldGroups({ groups, groupsKnown }: Principal): Pick<Whoami, 'groups' | 'groups_missing'> {
  if (groupsKnown === 'listed') return { groups }
  if (groupsKnown === 'resolved') return { groups, groups_missing: 'not_named' }
  return { groups_missing: groupsKnown }
}

/** A session ends by what is configured now, at the latest; each refresh may end it before. */
function handedOutIn(
  { session }: Principal,
  { sign_in: signIn }: Config,
): Pick<Whoami, 'client' | 'session'> {
  if (!session || signIn.mode === 'off') return {}
  const time = (moment: number) => new Date(moment).toISOString()
  const { began, client } = session
  const ends = began + signIn.session_lifetime
  return { client, session: { began_at: time(began), ends_at: time(ends) } }
}
