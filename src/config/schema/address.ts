import { isIP, isIPv6 } from 'node:net'
import { isLoopbackHost } from '../../net/loopback.ts'
import { ValueError } from '../value-error.ts'

const hostName = /^(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/i
const addressForm = /^(?<host>\[[0-9a-f:.]+\]|[^:[\]]*):(?<port>\d{1,5})$/i

/** Where to listen; an IPv6 host without brackets. */
interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Reads `host:port`, IPv6 addresses in brackets. Port 0 lets the system choose. */
export function readListenAddress(text: string): ListenAddress | ValueError {
  const { host, port } = addressForm.exec(text)?.groups ?? {}
  const error = new ValueError(
    'is not an address to listen on',
    'Write host:port, such as "127.0.0.1:8080", "0.0.0.0:8080" or "[::]:8080".',
  )
  if (host === undefined || host === '' || port === undefined) return error
  const bare = withoutBrackets(host)
  const legal = host === bare ? isIP(bare) === 4 || hostName.test(bare) : isIPv6(bare)
  return legal && Number(port) <= 65535 ? { host: bare, port: Number(port) } : error
}

/** The text that {@link readListenAddress} reads. */
export function formatListenAddress({ host, port }: ListenAddress): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

/** Whether two addresses cannot be bound at once. Names other than localhost are not resolved. */
export function addressesClash(one: ListenAddress, other: ListenAddress): boolean {
  if (one.port !== other.port || one.port === 0) return false
  const hosts = [one.host, other.host].map((host) => host.toLowerCase())
  if (hosts.some((host) => host === '0.0.0.0' || host === '::')) return true
  return hosts[0] === hosts[1] || (hosts.includes('localhost') && hosts.every(isLoopbackHost))
}

/** Reads a `Host` header value: a name or an address, with or without a port; lower case. */
export function readHost(text: string): string | ValueError {
  const lower = text.toLowerCase()
  const address = readListenAddress(lower)
  const host = address instanceof ValueError ? lower : address.host
  const bare = withoutBrackets(host)
  const bracketed = lower.startsWith('[')
  if (bracketed ? isIPv6(bare) : isIP(bare) === 4 || hostName.test(bare)) return lower
  return new ValueError(
    'is not a Host value',
    'Write the name without scheme and path, with the port where one is used: "rolecall.holmes.svc.cluster.local:8080".',
  )
}

/**
 * Reads a CIDR; an address alone is the network of that one address. Names are refused: DNS would say
 * whose X-Forwarded-For is believed (address spoofing).
 */
export function readNetwork(text: string): string | ValueError {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  const longest = version === 6 ? 128 : 32
  const legalPrefix =
    prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= longest)
  if (version !== 0 && legalPrefix && rest.length === 0) {
    return prefix === undefined ? `${address}/${longest}` : text
  }
  return new ValueError('is not a network', 'Write a CIDR such as "10.0.0.0/8" or "fd00::/8".')
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}
