import type { Clock } from '../clock.ts'
import type { Config, RelayConfig } from '../config/config.ts'
import type { IdentityProvider } from '../issuer/identity-provider.ts'
import type { DerivedKeys } from '../sealing/derived-keys.ts'
import type { SignInResource } from '../sign-in/judge-tokens.ts'
import { createRelay } from '../sign-in/relay.ts'
import type { SingleUse } from '../sign-in/single-use.ts'
import { createTokenSource, type TokenSourceParts } from '../sign-in/token-source.ts'
import type { TokenEndpoint } from './token-route.ts'

/** What token endpoints are built of. */
export interface TokenEndpointParts {
  readonly provider: Pick<IdentityProvider, 'grants' | 'status'>
  readonly resources: readonly SignInResource[]
  readonly keys: DerivedKeys
  readonly singleUse: SingleUse
  readonly clock: Clock
  readonly onOutcome: TokenSourceParts['onOutcome']
}

/** The token endpoints of a configuration: none in mode off, one for all resources in relay. */
export function tokenEndpoints(
  config: Config,
  parts: TokenEndpointParts,
): readonly TokenEndpoint[] {
  const { sign_in: signIn } = config
  const { provider, clock, keys } = parts
  if (!isRelay(signIn) || provider.grants === undefined) return []
  const relay = createRelay({
    ...parts,
    config: { ...config, sign_in: signIn },
    grants: provider.grants,
    source: createTokenSource({
      clock,
      decides: () => provider.status().decides,
      onOutcome: parts.onOutcome,
    }),
    keys: keys.for('refresh token'),
  })
  return [{ path: '/oauth/token', redeem: (request) => relay.redeem(request) }]
}

function isRelay(signIn: Config['sign_in']): signIn is RelayConfig {
  return signIn.mode === 'relay'
}
