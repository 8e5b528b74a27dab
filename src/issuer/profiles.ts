import type { IdentityProviderConfig } from '../config/config.ts'
import { entraProfile } from './entra.ts'
import type { IssuerProfile } from './issuer-profile.ts'
import { oidcProfile } from './oidc.ts'

/** What sets the configured provider apart. */
export function profileOf(config: IdentityProviderConfig): IssuerProfile {
  return config.kind === 'entra' ? entraProfile(config) : oidcProfile(config)
}
