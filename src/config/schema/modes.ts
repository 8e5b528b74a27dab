/** Keys of `[sign_in]` that have a meaning in broker alone. */
export const BROKER_ONLY = [
  'registration',
  'client_metadata_hosts',
  'consent',
  'issuer_parameter',
  'client',
] as const

/** Whether a key of `[sign_in]` has a meaning in broker alone. */
export function isBrokerOnly(key: string): boolean {
  return BROKER_ONLY.some((known) => known === key)
}
