import type { ResourceAccess } from '../../access/authenticate.ts'
import { resourcePolicy } from '../../access/policy.ts'
import type { Config, ProtectedResource } from '../../config/config.ts'
import type { IdentityProvider } from '../../issuer/identity-provider.ts'
import { tokenOpener } from '../sealed-token.ts'

/** How a resource or the fleet judges tokens, for a command. */
export function accessOf(
  resource: ProtectedResource,
  { config, provider }: { readonly config: Config; readonly provider: IdentityProvider },
): ResourceAccess {
  const policy = resourcePolicy(resource, config.identity_provider, provider)
  const opener = tokenOpener(resource, config)
  return { verifier: provider.verifier, policy, ...(opener && { opener }) }
}
