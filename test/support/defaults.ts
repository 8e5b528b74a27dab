import assert from 'node:assert/strict'
import type { Config, EntraConfig, OidcConfig, ResourceConfig } from '../../src/config/config.ts'
import { configOf, loadWith } from './configuration.ts'

/** What settings amount to that nobody wrote: a test says only what it is about. */
export const DEFAULTS: Config = configOf(loadWith())

/** The defaults of `[limits]` but for what a test changes. */
export function limitsWith(changes: Partial<Config['limits']>): Config['limits'] {
  return { ...DEFAULTS.limits, ...changes }
}

/** The defaults of a `[[resource]]`, with name, path and audience of a first one. */
export const RESOURCE_DEFAULTS: ResourceConfig = resourceDefaults()

function resourceDefaults(): ResourceConfig {
  const [resource] = DEFAULTS.resources
  assert.ok(resource)
  return resource
}

/** The defaults of `[identity_provider]` for Entra. */
export const ENTRA_DEFAULTS: EntraConfig = entraDefaults()

function entraDefaults(): EntraConfig {
  const { identity_provider: provider } = DEFAULTS
  assert.ok(provider.kind === 'entra')
  return provider
}

/** The defaults of `[identity_provider]` for any other provider. */
export const OIDC_DEFAULTS: Omit<OidcConfig, 'issuer'> = oidcDefaults()

function oidcDefaults(): Omit<OidcConfig, 'issuer'> {
  const written = { kind: 'oidc', issuer: 'https://idp.example.com' }
  const { identity_provider: provider } = configOf(loadWith({ identity_provider: written }))
  assert.ok(provider.kind === 'oidc')
  const { issuer: _, ...rest } = provider
  return rest
}
