import { authenticate } from '../../access/authenticate.ts'
import { authorize } from '../../access/authorize.ts'
import { systemClock } from '../../clock.ts'
import type { Config, ResourceConfig } from '../../config/config.ts'
import { likelyHint } from '../../config/report/nearest.ts'
import { matchesTool } from '../../config/tool-pattern.ts'
import { askForList } from '../../forward/tools/ask-for-list.ts'
import { version } from '../../version.ts'
import type { DoctorCheck } from '../doctor/report.ts'
import type { Examined } from '../doctor/resource.ts'
import { accessOf } from '../explain/access-of.ts'

const name = 'tool rules'
const REQUEST_ID = 'doctor-tools'
const MOST_NAMED = 20

/**
 * Whether the tool rules of a resource name tools that its MCP server has, by what it lists to the user
 * of a token. Nothing where no rule names any, or where the resource does not take the token.
 */
export async function toolRulesChecks(
  token: string,
  resource: ResourceConfig,
  examined: Examined,
): Promise<readonly DoctorCheck[]> {
  if (patternsOf(resource).length === 0) return []
  const access = accessOf(resource, examined)
  const authentication = await authenticate([`Bearer ${token}`], access, Date.now)
  if (authentication.kind === 'refused') return []
  const authorization = authorize(authentication.principal, access.policy)
  if (authorization.kind === 'refused') return []
  const { permit } = authorization
  const answer = await askForList({
    resource,
    permit,
    requestId: REQUEST_ID,
    version,
    clock: systemClock,
  })
  if (answer.kind === 'list') return toolRulesCheck(resource, answer.tools, examined.config)
  return [
    {
      name,
      resource: resource.name,
      verdict: 'warning',
      sentence: `Whether the rules name tools that there are is not known: the MCP server gives no list of them (${answer.reason}).`,
      remedy: `Look at the log of the MCP server; the request has this User-Agent: rolecall, req=${REQUEST_ID}.`,
    },
  ]
}

/** The same of tools that were listed. */
export function toolRulesCheck(
  resource: ResourceConfig,
  tools: readonly { readonly name: string }[],
  { resources }: Pick<Config, 'resources'>,
): readonly DoctorCheck[] {
  const patterns = patternsOf(resource)
  if (patterns.length === 0) return []
  const names = tools.map((tool) => tool.name).toSorted()
  const about = { name, resource: resource.name } as const
  const missing = patterns.filter(({ pattern }) => !names.some((one) => matchesTool(pattern, one)))
  if (missing.length === 0) {
    return [{ ...about, verdict: 'ok', sentence: 'Each tool that the rules name is there.' }]
  }
  const index = resources.findIndex((one) => one.name === resource.name)
  const listed = `${names.slice(0, MOST_NAMED).join(', ')}${names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''}`
  return missing.map(({ pattern, rule }) => ({
    ...about,
    verdict: 'warning',
    sentence: `resource[${index}].allow[${rule}].tools names "${pattern}", and the MCP server lists no such tool to the user of this token.`,
    remedy: `Write tools as the MCP server lists them. ${likelyHint(pattern, names) ?? `It has: ${listed || 'none'}.`}`,
  }))
}

/** What the rules name, but for every tool. */
function patternsOf({ allow }: ResourceConfig) {
  return allow.flatMap(({ tools }, rule) =>
    tools.filter((pattern) => pattern !== '*').map((pattern) => ({ pattern, rule })),
  )
}
