import { isClusterInternalHost, isLoopbackHost } from '../../net/loopback.ts'
import { ValueError } from '../value-error.ts'

/** The parsed URL when the text is an http or https URL without user name, query and fragment. */
function readPlainUrl(text: string, example: string): URL | ValueError {
  const remedy = `Write a URL such as "${example}".`
  if (!/^https?:\/\/[^/]/i.test(text) || !URL.canParse(text) || /[\s\\]/.test(text)) {
    return new ValueError('is not an http or https URL', remedy)
  }
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || /^https?:\/\/[^/]*@/i.test(text)) {
    return new ValueError('has a user name or a password in it', remedy)
  }
  if (/[?#]/.test(text)) return new ValueError('has a query or a fragment', remedy)
  return url
}

/**
 * Reads an origin: scheme, host, port and nothing else. Whether plain http may be used there is
 * judged elsewhere.
 *
 * @returns the origin in the form that browsers send (RFC 6454 §6.2)
 */
export function readOrigin(text: string): string | ValueError {
  if (text === '*') {
    return new ValueError(
      'cannot be "*"',
      'Name the origins, or set unsafe_any_origin = true to take every one.',
    )
  }
  const url = readPlainUrl(text, 'https://mcp.example.com')
  if (url instanceof ValueError) return url
  if (url.pathname === '/') return url.origin
  return new ValueError('has a path', `Write the origin alone: "${url.origin}".`)
}

/** Reads where an upstream is; the path is the one that is asked there. Ends as it was written. */
export function readUpstream(text: string): string | ValueError {
  const url = readPlainUrl(text, 'http://kubernetes-mcp-server:8080/mcp')
  return url instanceof ValueError ? url : text
}

/**
 * Reads an issuer, which is compared character by character (OpenID Connect Discovery §4.3) and is
 * therefore kept as written. Plain http only on loopback.
 */
export function readIssuer(text: string): string | ValueError {
  const url = readPlainUrl(text, 'https://idp.example.com/realms/main')
  if (url instanceof ValueError) return url
  if (url.protocol === 'https:' || isLoopbackHost(url.hostname)) return text
  return new ValueError(
    'is plain http off loopback',
    'Write an https URL: keys that come over plain http can be exchanged on the way.',
  )
}

/** Reads a base URL; as {@link readIssuer}, without slashes at its end. */
export function readBaseUrl(text: string): string | ValueError {
  const issuer = readIssuer(text)
  return issuer instanceof ValueError ? issuer : issuer.replace(/\/+$/, '')
}

/** Whether nobody on the way can read along: https, or http on loopback. */
export function isEncryptedOrLoopback(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || isLoopbackHost(hostname)
}

/** Whether a URL may be plain http without a switch: on loopback, or a cluster-internal name. */
export function isTrustedTransport(url: string): boolean {
  return isEncryptedOrLoopback(url) || isClusterInternalHost(new URL(url).hostname)
}

/** Reads the address of a Redis server: redis:// or rediss://. The password in it is a secret. */
export function readRedisUrl(text: string): string | ValueError {
  if (/^rediss?:\/\/[^/]/.test(text) && URL.canParse(text)) return text
  return new ValueError(
    'is not the URL of a Redis server',
    'Write redis://host:6379 or, with TLS, rediss://host:6379.',
  )
}

/** The presets of redirect URIs; what each stands for is known to the sign-in. */
export const redirectPresets = ['robusta', 'loopback', 'claude', 'vscode', 'cursor', 'chatgpt']

/** Reads a preset's name or an exact redirect URI: https, or http on loopback. */
export function readRedirectUri(text: string): string | ValueError {
  if (redirectPresets.includes(text)) return text
  const remedy = `Write one of ${redirectPresets.join(', ')}, or an exact https URI (http on loopback only).`
  if (text.includes('*')) return new ValueError('has a wildcard', remedy)
  if (!URL.canParse(text) || !/^https?:\/\/[^/@?#]+(\/|\?|$)/i.test(text) || text.includes('#')) {
    return new ValueError('is neither a preset nor a redirect URI', remedy)
  }
  const { protocol, hostname } = new URL(text)
  if (protocol === 'https:' || isLoopbackHost(hostname)) return text
  return new ValueError('is plain http off loopback', remedy)
}
