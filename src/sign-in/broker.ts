import type { OAuthParameters } from '../oauth/parameters.ts'
import { beginSignIn, type Visit } from './authorize/begin-sign-in.ts'
import type { BrowserAnswer, BrowserCookies } from './authorize/browser-answer.ts'
import { callback } from './authorize/callback.ts'
import { decide } from './authorize/decide.ts'
import { finishOwnSignIn } from './authorize/own-sign-in.ts'
import { type BrokerContext, type BrokerResource, brokerResources } from './broker-context.ts'
import type { Clients } from './clients/client.ts'
import type { SignInTrail } from './sign-in-trail.ts'
import { type BrokerTokenParts, redeemAtBroker } from './token/redeem-at-broker.ts'
import type { TokenRequest } from './token/token-request.ts'
import type { IssuedTokens } from './token/token-response.ts'
import { createTransactionClaims } from './transaction/transaction-claims.ts'

/** A browser's visit to the authorize endpoint of the resource with this number. */
export type BrokerVisit = Omit<Visit, 'resource'> & { readonly index: number }

/** rolecall as the authorization server of its clients, for each of its resources. */
export interface Broker {
  /** In the order of the configuration. */
  readonly resources: readonly BrokerResource[]
  /** @throws ErrorAnswer for a page */
  beginSignIn(query: string, visit: BrokerVisit): Promise<BrowserAnswer>
  /** @throws ErrorAnswer for a page */
  decide(form: OAuthParameters, visit: BrokerVisit): Promise<BrowserAnswer>
  /** @throws ErrorAnswer for a page */
  callback(query: string, cookies: BrowserCookies, trail: SignInTrail): Promise<BrowserAnswer>
  /** @throws ErrorAnswer for every refusal */
  redeem(request: TokenRequest, resource: BrokerResource, trail: SignInTrail): Promise<IssuedTokens>
}

export function createBroker(
  parts: BrokerContext &
    Omit<BrokerTokenParts, keyof BrokerContext | 'resource' | 'trail'> & {
      clientsOf(issuer: string): Clients
    },
): Broker {
  const resources = brokerResources(parts.config, parts.resources, parts.clientsOf)
  const claims = createTransactionClaims(parts.clock)
  const visitOf = ({ index, ...visit }: BrokerVisit): Visit => {
    const resource = resources[index]
    if (!resource) throw new Error(`there is no resource number ${index}`)
    return { ...visit, resource }
  }
  return {
    resources,
    beginSignIn: (query, visit) => beginSignIn(query, visitOf(visit), parts),
    decide: (form, visit) => decide(form, visitOf(visit), { ...parts, claims }),
    callback: (query, cookies, trail) =>
      callback(
        query,
        {
          resources,
          cookies,
          claims,
          trail,
          finishOwn: (transaction, code) =>
            finishOwnSignIn(transaction, code, { resources, parts }),
        },
        parts,
      ),
    redeem: (request, resource, trail) => redeemAtBroker(request, { ...parts, resource, trail }),
  }
}
