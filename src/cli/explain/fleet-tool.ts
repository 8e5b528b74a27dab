import { authenticate, authenticateAt } from '../../access/authenticate.ts'
import { authorize } from '../../access/authorize.ts'
import type { Config, ProtectedResource } from '../../config/config.ts'
import type { IdentityProvider } from '../../issuer/identity-provider.ts'
import { accessOf } from './access-of.ts'
import { type AskedTool, explainTool, type ToolExplanation } from './tool-explanation.ts'

/**
 * Tries the tool rules of a resource on one call; of the fleet, those of each of its clusters, as the
 * user of the fleet stands there.
 *
 * @param token one that passed every check of this resource
 */
export async function explainToolAt(
  { name }: ProtectedResource,
  token: string,
  asked: AskedTool,
  at: { readonly config: Config; readonly provider: IdentityProvider },
): Promise<readonly ToolExplanation[]> {
  const { resources, fleet } = at.config
  const isFleet = name === fleet?.resource.name
  const asking = isFleet ? fleet.resource : resources.find((one) => one.name === name)
  if (asking === undefined) return []
  const judged = await authenticate([`Bearer ${token}`], accessOf(asking, at), Date.now)
  if (judged.kind === 'refused') return [{ verdict: 'refused', lines: [] }]
  const members = isFleet ? fleet.members : [name]
  return Promise.all(
    resources
      .filter((resource) => members.includes(resource.name))
      .map(async (resource): Promise<ToolExplanation> => {
        const access = accessOf(resource, at)
        const there = await authenticateAt(judged.principal, access, Date.now)
        const verdict =
          there.kind === 'principal' ? authorize(there.principal, access.policy) : undefined
        const heading = isFleet ? [`cluster   ${resource.name}`] : []
        if (verdict?.kind !== 'permit') {
          return { verdict: 'refused', lines: [...heading, 'It does not let this user in.'] }
        }
        const explained = explainTool(resource, verdict.permit, asked, access)
        return { ...explained, lines: [...heading, ...explained.lines] }
      }),
  )
}
