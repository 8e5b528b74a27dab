import { isClusterInternalHost, isLoopbackHost } from '../../net/loopback.ts'
import { ValueError } from '../value-error.ts'
import { mistakenIssuer } from './issuer-of-url.ts'

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

const wildcard = new ValueError(
  'has a wildcard, and origins are compared as a whole',
  'Name every origin by itself.',
)
const otherScheme = /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?<host>[^/?#@\s\\]+)(?<rest>([/?#].*)?)$/i

/**
 * Reads the origin of a browser client: as {@link readOrigin}, or of an extension or a desktop
 * program (`chrome-extension://…`, `tauri://localhost`), whose schemes have no standard form.
 */
export function readClientOrigin(text: string): string | ValueError {
  if (text === '*') {
    return new ValueError(
      'cannot be "*"',
      'Name the origins, or set unsafe_any_origin = true to take every one.',
    )
  }
  if (/^https?:/i.test(text)) return readOrigin(text)
  const { scheme = '', host, rest } = otherScheme.exec(text)?.groups ?? {}
  if (host === undefined || scheme.toLowerCase() === 'file') {
    return new ValueError(
      'is not an origin that could be told from others',
      'Write scheme and host as the browser sends them: "https://inspector.example.com", "chrome-extension://abcdefghijklmnop".',
    )
  }
  if (host.includes('*')) return wildcard
  const origin = `${scheme.toLowerCase()}://${host}`
  if (rest === '' || rest === '/') return origin
  return new ValueError('has a path', `Write the origin alone: "${origin}".`)
}

/**
 * Reads an origin, by which web pages are told apart (CSRF, DNS rebinding): scheme, host, port and
 * nothing else. Whether plain http may be used there is
 * judged elsewhere.
 *
 * @returns the origin in the form that browsers send (RFC 6454 §6.2)
 */
export function readOrigin(text: string): string | ValueError {
  const url = readPlainUrl(text, 'https://mcp.example.com')
  if (url instanceof ValueError) return url
  if (url.hostname.includes('*')) return wildcard
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
 * therefore kept as written. Plain http only on loopback. What is the address of a discovery document
 * or an endpoint is refused with the issuer that it belongs to.
 */
export function readIssuer(text: string): string | ValueError {
  const url = readSecureUrl(text)
  if (url instanceof ValueError) return url
  const mistaken = mistakenIssuer(text)
  if (mistaken === undefined) return text
  const { what, issuer } = mistaken
  return new ValueError(`is the address of ${what}, not an issuer`, `Write "${issuer}".`)
}

/**
 * Reads an issuer that tokens may name: any text, since it is compared and never fetched. What can
 * only be a mistake is refused: a wildcard, a template, the address of a document or an endpoint.
 */
export function readTokenIssuer(text: string): string | ValueError {
  if (text === '') return new ValueError('is empty', 'Write a text, or remove it.')
  if (text.trim() !== text) return new ValueError('has white space around it', 'Remove that.')
  if (/[*{}]/.test(text)) {
    const remedy =
      'Write the issuer exactly as `iss` of a token says it (rolecall explain shows it).'
    return new ValueError('has a wildcard or a template, and it is compared as a whole', remedy)
  }
  const mistaken = /^https?:/i.test(text) && URL.canParse(text) ? mistakenIssuer(text) : undefined
  if (mistaken === undefined) return text
  const { what, issuer } = mistaken
  return new ValueError(`is the address of ${what}, not an issuer`, `Write "${issuer}".`)
}

/** Reads the base URL of Entra's endpoints, without slashes at its end. Plain http only on loopback. */
export function readBaseUrl(text: string): string | ValueError {
  const url = readSecureUrl(text)
  if (url instanceof ValueError) return url
  if (!/\/v2\.0\/?$|\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\/|$)/i.test(url.pathname)) {
    return text.replace(/\/+$/, '')
  }
  const remedy = `Write "${url.origin}", and the tenant into tenant_id.`
  return new ValueError('has the tenant or version in it, which is added to it', remedy)
}

function readSecureUrl(text: string): URL | ValueError {
  const url = readPlainUrl(text, 'https://idp.example.com/realms/main')
  if (url instanceof ValueError) return url
  if (url.protocol === 'https:' || isLoopbackHost(url.hostname)) return url
  return new ValueError(
    'is plain http off loopback',
    'Write an https URL: keys that come over plain http can be exchanged on the way.',
  )
}

/**
 * Reads the address of a discovery document. Plain http on loopback and to cluster-internal names,
 * where the network is the cluster's own.
 */
export function readDiscoveryUrl(text: string): string | ValueError {
  const path = '/.well-known/openid-configuration'
  const url = readPlainUrl(text, `https://idp.example.com/realms/main${path}`)
  if (url instanceof ValueError) return url
  if (!url.pathname.includes('/.well-known/')) {
    const whole = `${text.replace(/\/+$/, '')}${path}`
    return new ValueError('is not the address of a discovery document', `Write "${whole}".`)
  }
  if (isTrustedTransport(text)) return text
  return new ValueError(
    'is plain http to a name that is neither loopback nor cluster-internal',
    'Write an https URL: keys that come over plain http can be exchanged on the way.',
  )
}

/** Whether the network path cannot be read: https, or http on loopback. */
export function isEncryptedOrLoopback(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' || isLoopbackHost(hostname)
}

/** Whether a URL may be plain http without a switch: on loopback, or a cluster-internal name. */
export function isTrustedTransport(url: string): boolean {
  return isEncryptedOrLoopback(url) || isClusterInternalHost(new URL(url).hostname)
}

/** The presets of redirect URIs; what each stands for is known to the sign-in. */
export const redirectPresets = ['robusta', 'loopback', 'claude', 'vscode', 'cursor', 'chatgpt']

/**
 * Reads a preset's name or an exact redirect URI: https, or http on loopback. No wildcards and no
 * fragment, against an open redirect that hands codes to others (RFC 9700 §2.1, §4.1).
 */
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
