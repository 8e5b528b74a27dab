import { type Clock, systemClock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { createIdentityProvider, type IdentityProvider } from '../issuer/identity-provider.ts'
import type { IssuerEvent } from '../issuer/issuer-event.ts'
import type { BoundedFetch } from '../net/bounded-fetch.ts'
import { isOnLoopback } from '../net/loopback.ts'

export interface ProviderOptions {
  /** Milliseconds to wait for the keys. */
  readonly patience: number
  readonly onEvent?: (event: IssuerEvent) => void
  /** Whether a failed fetch ends the waiting; otherwise it is tried again. */
  readonly once?: boolean
  readonly fetch?: BoundedFetch
  readonly clock?: Clock
}

/**
 * Starts the identity provider of a configuration and waits for its keys, but not for ever. The caller
 * stops it.
 *
 * @returns the provider, with or without keys
 */
export async function providerWithKeys(
  config: Config,
  options: ProviderOptions,
): Promise<IdentityProvider> {
  const { patience, onEvent, once = false, fetch, clock = systemClock } = options
  let done: () => void = () => undefined
  const settled = new Promise<void>((resolve) => {
    done = resolve
  })
  const provider = createIdentityProvider(config.identity_provider, {
    clock,
    isOnLoopback: isOnLoopback(config),
    ...(fetch && { fetch }),
    onEvent(event) {
      onEvent?.(event)
      const hasKeys = event.kind === 'fetched' && event.document === 'keys'
      if (hasKeys || (once && event.kind === 'fetch_failed')) done()
    },
  })
  // A timer of its own: the provider's do not keep the process alive while it waits to try again.
  const timer = setTimeout(done, patience)
  provider.start()
  await settled
  clearTimeout(timer)
  return provider
}
