import { isLoopbackHost } from '../../net/loopback.ts'

/** Where an answer goes, as a user has to know it. */
export type RedirectPlace =
  /** A program on the computer that the browser runs on. */
  | { readonly kind: 'computer'; readonly host: string }
  /** A web site, by its host with its port. */
  | { readonly kind: 'site'; readonly host: string }
  /** Whatever app opens addresses of a scheme of its own, as `cursor:`. */
  | { readonly kind: 'app'; readonly scheme: string }

/**
 * Who gets what is sent to a redirect URI. Hosts are as the browser reads them: lower case, other
 * scripts as `xn--`.
 *
 * @param uri one that may be redirected to; what is no URL counts as an app
 */
export function redirectPlace(uri: string): RedirectPlace {
  if (!URL.canParse(uri)) return { kind: 'app', scheme: uri.slice(0, 40) }
  const { protocol, host, hostname } = new URL(uri)
  if (protocol !== 'https:' && protocol !== 'http:') return { kind: 'app', scheme: protocol }
  return { kind: isLoopbackHost(hostname) ? 'computer' : 'site', host }
}
