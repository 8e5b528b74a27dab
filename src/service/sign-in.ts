import type { Clock } from '../clock.ts'
import type { BrokerConfig, Config, RelayConfig } from '../config/config.ts'
import { protectedResources } from '../config/protected-resources.ts'
import type { RegistrationEndpoint } from '../http/routes/register.ts'
import type { SignInEndpoints } from '../http/routes/sign-in-endpoints.ts'
import type { IdentityProvider } from '../issuer/identity-provider.ts'
import type { ProviderGrants } from '../issuer/token-endpoint/provider-grants.ts'
import { ownEndpoints, sharedTokenEndpoint } from '../oauth/metadata/own-endpoints.ts'
import type { DerivedKeys } from '../sealing/derived-keys.ts'
import { createBroker } from '../sign-in/broker.ts'
import { createClients } from '../sign-in/clients/client.ts'
import type { MetadataDocuments } from '../sign-in/clients/metadata-cache.ts'
import { withPopupClients } from '../sign-in/clients/popup-client.ts'
import { redirectUriRule } from '../sign-in/clients/redirect-uris.ts'
import { register } from '../sign-in/clients/registration.ts'
import { createTokenExchange, type TokenExchangeParts } from '../sign-in/provider/exchange.ts'
import { refreshTokenRemedy } from '../sign-in/provider/no-refresh-token.ts'
import { accessTokenFormatter } from '../sign-in/sealed/access-token-format.ts'
import type { SignInResource } from '../sign-in/token/judge-tokens.ts'
import { createRelayTokenEndpoint } from '../sign-in/token/redeem-at-relay.ts'
import { revoke } from '../sign-in/token/revocation.ts'

import type { Memory } from './memory.ts'

/** What the endpoints of a sign-in mode are built of. */
export interface SignInParts {
  readonly provider: Pick<
    IdentityProvider,
    | 'grants'
    | 'verifyIdToken'
    | 'memberGroups'
    | 'takesClaims'
    | 'status'
    | 'metadataIssuer'
    | 'answersNameIssuer'
    | 'authorizationEndpoint'
  >
  readonly resources: readonly SignInResource[]
  readonly keys: DerivedKeys
  readonly memory: Pick<Memory, 'singleUse' | 'sessionNames' | 'sessionIndex' | 'wantedClaims'>
  readonly documents: MetadataDocuments
  readonly clock: Clock
  readonly onOutcome: TokenExchangeParts['onOutcome']
}

/** Nothing in mode off; one token endpoint for all resources in relay; all of it in broker. */
export function signInEndpoints(config: Config, parts: SignInParts): SignInEndpoints {
  const { sign_in: signIn } = config
  const { grants } = parts.provider
  if (signIn.mode === 'off' || grants === undefined)
    return { tokenEndpoints: [], revocationEndpoints: [], registrationEndpoints: [] }
  return signIn.mode === 'relay'
    ? relayEndpoints({ ...config, sign_in: signIn }, grants, parts)
    : brokerEndpoints({ ...config, sign_in: signIn }, grants, parts)
}

function relayEndpoints(
  config: Config & { readonly sign_in: RelayConfig },
  grants: ProviderGrants,
  parts: SignInParts,
): SignInEndpoints {
  const exchange = exchangeOf(config, parts)
  const redeem = createRelayTokenEndpoint({
    ...parts,
    config,
    grants,
    exchange,
    keys: parts.keys.for('refresh token'),
    ...parts.memory,
    formatAccessToken: accessTokenFormatter(config, parts.keys),
  })
  const path = new URL(sharedTokenEndpoint(config.public_url)).pathname
  return {
    tokenEndpoints: [{ path, redeem }],
    revocationEndpoints: [],
    registrationEndpoints: [],
  }
}

type BrokerSettings = Config & { readonly sign_in: BrokerConfig }

function brokerEndpoints(
  config: BrokerSettings,
  grants: ProviderGrants,
  parts: SignInParts,
): SignInEndpoints {
  const { provider, keys, documents } = parts
  const formatAccessToken = accessTokenFormatter(config, keys)
  const broker = createBroker({
    ...parts,
    ...parts.memory,
    config,
    exchange: exchangeOf(config, parts),
    provider: {
      grants,
      metadataIssuer: () => provider.metadataIssuer(),
      answersNameIssuer: () => provider.answersNameIssuer(),
      authorizationEndpoint: () => provider.authorizationEndpoint(),
      takesClaims: () => provider.takesClaims(),
    },
    clientsOf: (issuer) =>
      withPopupClients(
        createClients({ config, issuer, keys: keys.for('client id'), documents }),
        config,
      ),
    formatAccessToken: ({ judged, groups }, session) =>
      formatAccessToken(judged.bearer, [judged.resource], { ...session, groups: groups?.resolved }),
  })
  return {
    broker,
    tokenEndpoints: broker.resources.map((resource) => ({
      path: new URL(resource.tokenUrl).pathname,
      redeem: (request, trail) => broker.redeem(request, resource, trail),
    })),
    revocationEndpoints: broker.resources.map((resource) => ({
      path: new URL(resource.revokeUrl).pathname,
      revoke: (request, trail) => {
        const { singleUse } = parts.memory
        return revoke(request, {
          config,
          resource,
          keys: keys.for('refresh token'),
          singleUse,
          trail,
        })
      },
    })),
    registrationEndpoints: registrationEndpoints(config, parts),
  }
}

function registrationEndpoints(
  config: BrokerSettings,
  { keys, clock }: SignInParts,
): readonly RegistrationEndpoint[] {
  const { public_url: publicUrl, sign_in: signIn } = config
  if (!signIn.registration) return []
  const allows = redirectUriRule(signIn.redirect_uris, publicUrl)
  return protectedResources(config).map(({ name }, index) => {
    const { issuer, register: url } = ownEndpoints({ publicUrl, name, isFirst: index === 0 })
    const rules = { issuer, keys: keys.for('client id'), publicUrl, allows }
    return {
      path: new URL(url).pathname,
      register: (body) => register(body, rules, clock.now()),
    }
  })
}

function exchangeOf(
  { sign_in: { mode }, limits }: Pick<Config, 'sign_in' | 'limits'>,
  { clock, provider, onOutcome }: SignInParts,
) {
  const { verifyIdToken } = provider
  if (!verifyIdToken) throw new Error('a sign-in mode needs identity_provider.client_id')
  return createTokenExchange({
    clock,
    refreshesPerMinute: limits.sign_ins_per_minute,
    decides: () => provider.status().decides,
    verifyIdToken,
    onOutcome,
    memberGroups: provider.memberGroups,
    refreshTokenRemedy: ({ resource }) =>
      refreshTokenRemedy({ issuer: provider.metadataIssuer(), resource, mode }),
  })
}
