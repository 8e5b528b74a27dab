import { isLoopbackHost } from '../../net/loopback.ts'

/** What a preset of `redirect_uris` stands for. */
interface Preset {
  readonly exact?: readonly string[]
  /** For clients with an address for each connection. */
  readonly pattern?: RegExp
  /** On http loopback with any port: these paths, or every path. */
  readonly loopbackPaths?: readonly string[] | 'any'
}

const presets: Readonly<Record<string, Preset>> = {
  robusta: {
    exact: [
      'https://platform.robusta.dev/oauth/callback.html',
      'https://platform.eu.robusta.dev/oauth/callback.html',
      'https://platform.ap.robusta.dev/oauth/callback.html',
    ],
  },
  loopback: { loopbackPaths: 'any' },
  claude: {
    exact: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
  },
  vscode: {
    exact: ['https://vscode.dev/redirect', 'https://insiders.vscode.dev/redirect'],
    loopbackPaths: ['/'],
  },
  cursor: {
    exact: [
      'cursor://anysphere.cursor-mcp/oauth/callback',
      'https://www.cursor.com/agents/mcp/oauth/callback',
    ],
    loopbackPaths: ['/callback'],
  },
  chatgpt: {
    exact: ['https://chatgpt.com/connector_platform_oauth_redirect'],
    pattern: /^https:\/\/chatgpt\.com\/connector\/oauth\/[A-Za-z0-9_-]{1,100}$/,
  },
}

/** Which redirect URIs clients may use at all. */
export type RedirectUriRule = (uri: string) => boolean

const LOOPBACK =
  /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::([1-9]\d{0,4}))?(\/[^?]*)?(\?.*)?$/
/** With the slash of its path, where there is one. */
const LOOPBACK_ORIGIN =
  /^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost))(?::[1-9]\d{0,4})?(?:\/|(?=\?)|$)/
/** Plain or encoded, also between separators that are encoded. */
const DOT_SEGMENT = /(?:\/|%2f|%5c)(?:\.|%2e){1,2}(?:\/|%2f|%5c|$)/i
/** What an address may be written with. No wildcard, fragment or backslash. */
const PLAIN = /^[A-Za-z0-9\-._~:/?@!$&'()+,;=%[\]]{1,2000}$/

/**
 * The rule that `redirect_uris` makes (RFC 8252 §7.3 for loopback: any port). Texts are compared as
 * they are, and nothing is decoded or normalised: two readings of one address are an open redirect.
 *
 * @param entries presets and exact URIs
 * @param publicUrl our own origin, which is never a redirect URI, in no spelling of loopback either
 */
export function redirectUriRule(entries: readonly string[], publicUrl: string): RedirectUriRule {
  const chosen = entries.map((entry) => presets[entry] ?? { exact: [entry] })
  const exact = new Set(chosen.flatMap((preset) => preset.exact ?? []))
  const patterns = chosen.flatMap((preset) => preset.pattern ?? [])
  const paths = chosen.flatMap((preset) => preset.loopbackPaths ?? [])
  const isOurs = ownOrigin(publicUrl)
  return (uri) => {
    if (!PLAIN.test(uri) || isOurs(uri)) return false
    if (exact.has(uri) || patterns.some((pattern) => pattern.test(uri))) return true
    const path = loopbackPath(uri)
    return path !== undefined && (paths.includes('any') || paths.includes(path))
  }
}

/**
 * Whether a client listed an address: exactly, and on http loopback with any port (RFC 8252 §7.3),
 * which a client without a fixed one has to choose anew each time. Not checked: the rule.
 */
export function isListed(uri: string, listed: readonly string[]): boolean {
  const sought = withoutLoopbackPort(uri)
  return listed.some((one) => withoutLoopbackPort(one) === sought)
}

/** The preset that has an address, for the remedy in an error. */
export function presetWith(uri: string, publicUrl: string): string | undefined {
  return Object.keys(presets).find((preset) => redirectUriRule([preset], publicUrl)(uri))
}

/** What `redirect_uris` names exactly, presets resolved; what they take by a pattern is left out. */
export function exactRedirectUris(entries: readonly string[]): readonly string[] {
  return [...new Set(entries.flatMap((entry) => presets[entry]?.exact ?? exactOf(entry)))]
}

function exactOf(entry: string): readonly string[] {
  return presets[entry] === undefined ? [entry] : []
}

/** The https origins that the presets' web pages have, for CORS. */
export function presetOrigins(entries: readonly string[]): readonly string[] {
  const uris = entries.flatMap((entry) => presets[entry]?.exact ?? [])
  return [
    ...new Set(uris.filter((uri) => uri.startsWith('https:')).map((uri) => new URL(uri).origin)),
  ]
}

function withoutLoopbackPort(uri: string): string {
  return uri.replace(LOOPBACK_ORIGIN, '$1/')
}

/** The path of an http loopback address without dot segments. */
function loopbackPath(uri: string): string | undefined {
  const match = LOOPBACK.exec(uri)
  if (!match || Number(match[1] ?? 80) > 65_535) return undefined
  const path = match[2] ?? '/'
  return DOT_SEGMENT.test(path) ? undefined : path
}

function ownOrigin(publicUrl: string): (uri: string) => boolean {
  const own = new URL(publicUrl)
  const local = isLoopbackHost(own.hostname)
  return (uri) => {
    if (!URL.canParse(uri)) return true
    const url = new URL(uri)
    if (url.origin === own.origin) return true
    const samePort = url.port === own.port && url.protocol === own.protocol
    return local && samePort && isLoopbackHost(url.hostname)
  }
}
