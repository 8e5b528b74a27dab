import { authorize as permit } from '../../access/authorize.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import { type BrokerContext, type BrokerResource, callbackUrl } from '../broker-context.ts'
import type { ExchangedTokens } from '../provider/exchange.ts'
import { expectedIdToken } from '../provider/id-token.ts'
import { judgeTokens } from '../token/judge-tokens.ts'
import { providerProof, type Transaction } from '../transaction/transaction.ts'
import type { BrowserAnswer, SignedInPage } from './browser-answer.ts'

/**
 * Stands for our own page in an authorize request: nobody is given a token, the user is shown who
 * they are. It can be no registered client: `check` refuses the name.
 */
export const OWN_PAGE = 'rolecall'

/**
 * Ends a sign-in on our own page: redeems the code, judges the token as each resource would, shows
 * what came of it, and forgets the token.
 *
 * @throws ErrorAnswer for a page
 */
export async function finishOwnSignIn(
  transaction: Transaction,
  code: string,
  {
    resources,
    parts,
  }: { readonly resources: readonly BrokerResource[]; readonly parts: BrokerContext },
): Promise<BrowserAnswer> {
  const first = resources.find(({ resource }) => resource.name === transaction.resource)
  if (!first) throw new Error(`there is no resource ${transaction.resource}`)
  const { codeVerifier, nonce } = providerProof(transaction.secret)
  const obtained = await parts.exchange.obtain({
    grant: 'authorization_code',
    key: transaction.id,
    candidates: [first],
    groupsFor: resources,
    idToken: expectedIdToken(first.resource, nonce),
    ask: () =>
      parts.provider.grants.redeemCode({
        code,
        redirectUri: callbackUrl(parts.config),
        codeVerifier,
        scope: first.resource.request_scopes,
      }),
  })
  const page = await signedInPage(obtained, resources, parts)
  const { identity } = obtained.judged.principal
  const log = { decision: 'allow', reason: 'own_sign_in', identity } as const
  return { kind: 'page', status: 200, page, cookies: [], log }
}

async function signedInPage(
  { tokens, judged, groups }: ExchangedTokens,
  resources: readonly BrokerResource[],
  { clock }: BrokerContext,
): Promise<SignedInPage> {
  const context = groups ? { groups: groups.resolved } : {}
  const now = () => clock.now()
  let { principal } = judged
  const taken: SignedInPage['resources'][number][] = []
  for (const { resource, access, url } of resources) {
    const verdict = await judgeTokens(tokens, [{ resource, access }], now, context).catch(
      (error: unknown) => {
        if (error instanceof ErrorAnswer) return undefined
        throw error
      },
    )
    if (resource === judged.resource) principal = verdict?.principal ?? principal
    const permitted =
      verdict !== undefined && permit(verdict.principal, access.policy).kind === 'permit'
    taken.push({ name: resource.name, url, permitted })
  }
  return {
    kind: 'signed_in',
    user: principal.identity.user,
    groups: principal.groups,
    groupsKnown: principal.groupsKnown,
    signedInAt: clock.now(),
    expiresAt: principal.expiresAt,
    resources: taken,
  }
}
