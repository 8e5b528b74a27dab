import type { ResolvedGroups } from '../../access/resolved-groups.ts'
import type { MemberGroups } from '../../issuer/graph/member-groups.ts'
import { ExplainedAnswer } from '../../oauth/error-answer.ts'
import type { ProviderExplanation, ProviderTrace } from '../../oauth/provider-explanation.ts'
import type { JudgedTokens, SignInResource } from '../token/judge-tokens.ts'

/** Asks for the groups of the user of a refresh token; never rejects. */
export type MemberGroupsSource = (refreshToken: string) => Promise<MemberGroups>

/** What came of asking for the groups that a token leaves out. */
export interface AskedGroups {
  readonly resolved: ResolvedGroups
  /** What somebody has to mend; absent: nothing. */
  readonly explanation?: ProviderExplanation
  readonly trace?: ProviderTrace
}

/** Of the groups that the configuration names, as many as a sealed token has room for. */
const MOST_KEPT = 100

/**
 * The groups that a token leaves out for their number, where a resource that it is for asks for any. Of
 * what Graph says only the groups that these resources name are kept: they travel in the token.
 *
 * @param source absent: they are not asked for
 * @returns `undefined` where nothing had to be asked
 * @throws ErrorAnswer 503 while Graph cannot be asked, when the same grant may work later: a user who
 *   got a token without groups now would be refused until it ends
 */
export async function askForGroups(
  {
    judged,
    refreshToken,
  }: { readonly judged: JudgedTokens; readonly refreshToken?: string | undefined },
  candidates: readonly SignInResource[],
  source: MemberGroupsSource | undefined,
): Promise<AskedGroups | undefined> {
  if (!source || judged.principal.groupsKnown !== 'left_out') return undefined
  const named = new Set(candidates.flatMap(({ access }) => access.policy.namedGroups))
  if (named.size === 0) return undefined
  if (refreshToken === undefined) return { resolved: { kind: 'failed', cause: 'no_refresh_token' } }
  const answer = await source(refreshToken)
  switch (answer.kind) {
    case 'groups': {
      const groups = answer.groups.map((group) => group.toLowerCase())
      const kept = groups.filter((group) => named.has(group)).slice(0, MOST_KEPT)
      return { resolved: { kind: 'resolved', groups: kept } }
    }
    case 'failed': {
      const { cause, explanation, trace } = answer
      return { resolved: { kind: 'failed', cause }, explanation, ...(trace && { trace }) }
    }
    case 'unavailable':
      throw new ExplainedAnswer(graphAway, {
        status: 503,
        error: 'temporarily_unavailable',
        headers: { 'retry-after': String(answer.retryAfter) },
        reason: `groups_unavailable:${answer.reason}`,
      })
  }
}

const graphAway: ProviderExplanation = {
  what: 'Microsoft Graph, which tells the groups of this user, cannot be asked at the moment; nothing is lost, retry in a few seconds.',
  whose: 'operator',
  remedy: 'where that lasts, let rolecall reach Microsoft Graph (network policy, HTTPS_PROXY).',
}
