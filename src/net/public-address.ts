import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import { DocumentError } from './document-error.ts'

/**
 * Addresses of the internet's own range that answer only within a cloud: Azure's platform, which tells
 * and takes what belongs to the machine (WireServer). The metadata services of all others are
 * link-local, unique local or of the range that carriers share.
 */
const PLATFORM_ADDRESSES: readonly string[] = ['168.63.129.16']

/** Where the internet's own IPv6 addresses are (RFC 4291 §2.4); the rest is special in some way. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * Whether an address is one of the internet (IANA's registries of special-purpose addresses, RFC 6890),
 * against SSRF: none of this machine, of a private network or a provider's, of a cloud's metadata
 * service, for many receivers, or with an IPv4 address within it (mapped, 6to4, NAT64, Teredo), which
 * would lead to any of these. Another spelling of an IPv4 address (octal, hexadecimal, fewer parts) is
 * none.
 *
 * Not known here: a NAT64 prefix of the network's own (RFC 6052 §2.2) and what a network uses public
 * addresses for within.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address) || address.includes('%')) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast' || PLATFORM_ADDRESSES.includes(address)) return false
  return parsed instanceof ipaddr.IPv4
    ? ipaddr.IPv4.isValidFourPartDecimal(address)
    : parsed.match(GLOBAL_UNICAST)
}

/** How names are resolved; tests have one of their own. */
export interface PublicLookupOptions {
  readonly resolve?: LookupFunction
  readonly isAllowed?: (address: string) => boolean
}

/**
 * Resolves names while a connection is made, and hands out public addresses only: what was judged
 * is what is dialled, so that a name which changes its address in between (DNS rebinding) gains
 * nothing. A host that is written as an address is never asked for here.
 *
 * @throws DocumentError by its callback: `private_address` where no address is left
 */
export function publicLookup({
  resolve = (hostname, options, callback) => systemLookup(hostname, options, callback),
  isAllowed = isPublicAddress,
}: PublicLookupOptions = {}): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      const addresses = typeof found === 'string' ? [] : (found ?? [])
      const allowed = addresses.filter(({ address }) => isAllowed(address))
      const [first] = allowed
      if (error) callback(error, '')
      else if (!first) {
        callback(new DocumentError('private_address', `${hostname}: not a public address`), '')
      } else if (options.all === true) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}
