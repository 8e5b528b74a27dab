import type { Clock } from '../clock.ts'
import type { IdentityProviderConfig } from '../config/config.ts'
import {
  type BoundedFetch,
  type BoundedFetchOptions,
  createBoundedFetch,
} from '../net/bounded-fetch.ts'
import { profileOf } from './profiles.ts'

/**
 * Milliseconds for an answer of the token endpoint. More than for a document, since a code or a
 * rotated refresh token whose answer is lost is lost too; with the credential's files below 10 s.
 */
const GRANT_TIMEOUT_MS = 7_500

/** The two ways in which the provider is asked. */
export interface ProviderConnection {
  readonly documents: BoundedFetch
  readonly grants: BoundedFetch
  close(): void
}

/** How this provider is asked: its authorities, and where plain http is taken. */
export function providerFetchOptions(
  config: IdentityProviderConfig,
  clock: Clock,
): BoundedFetchOptions {
  const { certificate_authority: certificateAuthority } = config
  return {
    clock,
    plainHttp: profileOf(config).plainHttp,
    ...(certificateAuthority !== undefined && { certificateAuthority }),
  }
}

/**
 * Connects to the provider.
 *
 * @param fetch in place of the bounded one; for tests
 * @throws Error when `HTTPS_PROXY` is not a URL
 */
export function connectToProvider(
  config: IdentityProviderConfig,
  { clock, fetch }: { readonly clock: Clock; readonly fetch?: BoundedFetch },
): ProviderConnection {
  if (fetch) return { documents: fetch, grants: fetch, close: () => undefined }
  const common = providerFetchOptions(config, clock)
  const documents = createBoundedFetch(common)
  const grants = createBoundedFetch({ ...common, timeout: GRANT_TIMEOUT_MS })
  return {
    documents: documents.fetch,
    grants: grants.fetch,
    close() {
      documents.close()
      grants.close()
    },
  }
}
