import * as z from 'zod'
import type { EntraConfig } from '../../config/config.ts'
import type { BoundedFetch } from '../../net/bounded-fetch.ts'
import { asDocumentError } from '../../net/document-error.ts'
import { text } from '../../oauth/claims.ts'
import { type JsonObject, parseObject } from '../../oauth/json.ts'
import type { ProviderExplanation, ProviderTrace } from '../../oauth/provider-explanation.ts'
import type { ProviderGrants } from '../token-endpoint/provider-grants.ts'
import { graphOf } from './microsoft-graph.ts'

/** What Microsoft Graph says of a user's groups. */
export type MemberGroups =
  | { readonly kind: 'groups'; readonly groups: readonly string[] }
  /** Graph has no answer, and asking again brings none before somebody has acted. */
  | {
      readonly kind: 'failed'
      readonly cause: 'not_allowed' | 'sign_in_needed' | 'too_many'
      readonly explanation: ProviderExplanation
      readonly trace?: ProviderTrace
    }
  /** Trouble that may pass. */
  | {
      readonly kind: 'unavailable'
      /** For logs: addresses and codes, never a part of a body. */
      readonly reason: string
      readonly retryAfter: number
    }

/** What Graph is asked with. */
export interface MemberGroupsOptions {
  readonly config: EntraConfig
  readonly grants: ProviderGrants
  /** Bounded in time and size. */
  readonly fetch: BoundedFetch
  /** The discovery document as it is now. */
  readonly metadata: () => JsonObject | undefined
}

const RETRY_SECONDS = 5

/**
 * Asks Microsoft Graph for the security groups of a user, nested ones too, with a token of that user's
 * own. A token for the cluster is none for Graph, and none that could be exchanged for one: it was not
 * issued for this app (AADSTS50013). Entra's refresh tokens belong to a user and a client and to no
 * resource, so that the one of the sign-in brings a token for Graph (D/v2-oauth2-auth-code-flow.md).
 *
 * `getMemberObjects` is what an overage claim itself names. For `/me` it needs User.Read and no more,
 * answers in one page (up to 11,000) and, with `securityEnabledOnly`, with what a token would list.
 *
 * Not checked: that the refresh token is of the user whose token was judged. Both must come of one
 * answer of the token endpoint.
 *
 * @returns asks with one refresh token; never rejects
 */
export function createMemberGroups({ config, grants, fetch, metadata }: MemberGroupsOptions) {
  return async (refreshToken: string): Promise<MemberGroups> => {
    const graph = graphOf(config, metadata())
    const outcome = await grants.refresh({ refreshToken, scope: [`${graph.audience}/User.Read`] })
    switch (outcome.kind) {
      case 'tokens':
        return askGraph(graph.url, outcome.tokens.accessToken, fetch)
      case 'refused': {
        const cause = outcome.suberror === 'consent_required' ? 'not_allowed' : 'sign_in_needed'
        const { explanation, trace } = outcome
        return { kind: 'failed', cause, explanation, ...(trace && { trace }) }
      }
      case 'misconfigured':
        return unavailable('our own credential was refused')
      case 'unavailable':
        return unavailable(outcome.reason, outcome.retryAfter)
    }
  }
}

async function askGraph(base: string, token: string, fetch: BoundedFetch): Promise<MemberGroups> {
  const url = `${base}/v1.0/me/getMemberObjects`
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: '{"securityEnabledOnly":true}',
      redirect: 'manual',
    })
    return judgeAnswer(response.status, parseObject(await response.text()) ?? {}, url)
  } catch (error) {
    return unavailable(asDocumentError(error).message)
  }
}

const answerShape = z.object({ value: z.array(z.guid()) })

function judgeAnswer(status: number, body: JsonObject, url: string): MemberGroups {
  if (status === 200) {
    const groups = answerShape.safeParse(body).data?.value
    return groups ? { kind: 'groups', groups } : unavailable(`${url}: answered 200 without groups`)
  }
  const { error } = z.object({ error: z.looseObject({}) }).safeParse(body).data ?? {}
  const code = text(error ?? {}, 'code')
  if (status === 400 && code === 'Directory_ResultSizeLimitExceeded') {
    return { kind: 'failed', cause: 'too_many', explanation: tooMany }
  }
  if (status === 403) return { kind: 'failed', cause: 'not_allowed', explanation: notAllowed }
  return unavailable(`${url}: answered ${status}`)
}

const tooMany: ProviderExplanation = {
  what: 'The user is in more groups than Microsoft Graph lists.',
  whose: 'administrator',
  remedy: 'let tokens hold only the groups assigned to the application.',
}

const notAllowed: ProviderExplanation = {
  what: 'Microsoft Graph does not let this app read the groups of the user.',
  whose: 'administrator',
  remedy: 'grant the app registration the delegated permission User.Read of Microsoft Graph.',
}

function unavailable(reason: string, retryAfter = RETRY_SECONDS): MemberGroups {
  return { kind: 'unavailable', reason, retryAfter }
}
