import type { IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'
import proxyAddr from '@fastify/proxy-addr'
import ipaddr from 'ipaddr.js'
import { valuesOf } from './steps/raw-request.ts'

/** Who asks, as far as those whom we trust say. */
export interface ClientAddresses {
  /** The client's address: the first one, seen from us, that is nobody's whom we trust. */
  of(raw: IncomingMessage): string
  /** Whether the peer itself is trusted: then what it says of the request is believed. */
  isTrustedPeer(raw: IncomingMessage): boolean
}

/**
 * Reads `X-Forwarded-For` from its end, where the nearest proxy wrote, as long as whoever wrote an
 * entry is trusted; what is further to the front anybody may have made up (spoofing, which would evade
 * every limit per address). An address with a port (Azure Application Gateway) counts as the address,
 * and what is none as the nearest trusted hop.
 *
 * @param trusted `trusted_proxies`, as CIDRs
 */
export function clientAddresses(trusted: readonly string[]): ClientAddresses {
  const peerAddresses = new WeakMap<Socket, string>()
  const peerAddress = ({ socket }: IncomingMessage): string => {
    const known = peerAddresses.get(socket)
    if (known !== undefined) return known
    const address = plainAddress(socket.remoteAddress ?? '') ?? ''
    peerAddresses.set(socket, address)
    return address
  }
  const isTrusted = trusted.length === 0 ? () => false : proxyAddr.compile([...trusted])
  return {
    of(raw) {
      let address = peerAddress(raw)
      if (!isTrusted(address, 0)) return address
      for (const entry of entriesOf(raw).toReversed()) {
        const next = plainAddress(entry)
        if (next === undefined) return address
        address = next
        if (!isTrusted(address, 0)) return address
      }
      return address
    },
    isTrustedPeer: ({ socket }) => isTrusted(socket.remoteAddress ?? '', 0),
  }
}

/**
 * What a limit per address counts by: an IPv4 address, or the /64 of an IPv6 one, all of which is in one
 * hand.
 */
export function networkOf(address: string): string {
  if (!ipaddr.IPv6.isValid(address)) return address
  const { parts } = ipaddr.IPv6.parse(address)
  return `${parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`
}

function entriesOf({ rawHeaders }: IncomingMessage): string[] {
  return valuesOf(rawHeaders, 'x-forwarded-for').flatMap((line) => line.split(','))
}

/** Without port, brackets, and the IPv6 form of an IPv4 address; `undefined` for what is none. */
function plainAddress(text: string): string | undefined {
  const entry = text.trim()
  const [, bare = entry] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(entry) ?? withPort.exec(entry) ?? []
  if (isIP(bare) === 0 || !ipaddr.isValid(bare)) return undefined
  const address = ipaddr.process(bare)
  return address.kind() === 'ipv4' ? address.toString() : bare.toLowerCase()
}

const withPort = /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/
