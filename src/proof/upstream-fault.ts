import type { AnswerTraits } from '../mcp-client/answer-traits.ts'
import type { OwnAnswer } from '../mcp-client/own-request.ts'

/** Why what answers at `upstream` is no MCP server for anybody, and what to write instead. */
export interface UpstreamFault {
  /** As the end of a sentence: `it redirects to …`. Never a text of the upstream but an address. */
  readonly why: string
  readonly remedy: string
}

/**
 * Tells from an answer to `initialize` or `tools/list` that no user's call can succeed either: the
 * address is not the server's, or something stands in front of it. Nothing where a good token might
 * be answered otherwise.
 *
 * @param upstream the setting
 */
export function upstreamFault(upstream: string, answer: OwnAnswer): UpstreamFault | undefined {
  const url = new URL(upstream)
  if (answer.kind === 'failed') return withoutMessage(answer, url)
  if (answer.kind !== 'status') return undefined
  const { status, traits = nothingSeen } = answer
  if (status >= 300 && status < 400) return redirected(status, traits, url)
  if (status === 401 || status === 403 || status === 407) return keptOut(status, traits, url)
  if (hostRefused.test(traits.start)) return hostCheck(status, url)
  if (status === 404 || status === 405 || status === 410) return notThere(status, url)
  if (status === 400 && tlsWanted.test(traits.start)) return speaksTls
  if (status >= 500 && isPage(traits)) return proxyAlone(status)
  return undefined
}

const nothingSeen: AnswerTraits = { type: '', start: '' }
/** What nginx, Go's and other servers say to plain http on a TLS port. */
const tlsWanted = /HTTP request (was sent )?to (an )?HTTPS (port|server)/i
/** The MCP SDKs' protection against DNS rebinding, and what frameworks say. */
const hostRefused =
  /(invalid|disallowed|unknown|blocked|forbidden)[^\n]{0,20}\bhost\b|\bhost\b[^\n]{0,60}(not allowed|invalid)/i

function isPage({ type, start }: AnswerTraits): boolean {
  return type === 'text/html' || /^\s*<(!doctype html|html)/i.test(start)
}

const speaksTls: UpstreamFault = {
  why: 'it speaks TLS, and is asked in plain http',
  remedy:
    'Write https:// in `upstream`, and the authority of its certificate in upstream_certificate_authority_file.',
}

function withoutMessage(
  { code, traits }: Extract<OwnAnswer, { kind: 'failed' }>,
  url: URL,
): UpstreamFault | undefined {
  if (traits && isPage(traits)) {
    return {
      why: 'it answers a web page: that is a proxy, a sign-in page or another program',
      remedy: `Write the URL of the MCP server itself in \`upstream\`, and its path (most have /mcp)${proxyHint(url)}.`,
    }
  }
  if (code === undefined) return undefined
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE/.test(code)) {
    return {
      why: `it wants a client certificate (${code})`,
      remedy: 'Write upstream_client_certificate_file with upstream_client_key_file.',
    }
  }
  if (url.protocol === 'http:' && /^HPE_|^UND_ERR_SOCKET$|^ECONNRESET$/.test(code)) {
    return {
      why: `it takes the connection and answers no http (${code})`,
      remedy: `If it speaks TLS, write https:// in \`upstream\`; else see that ${url.host} is the MCP server's port for http.`,
    }
  }
  return undefined
}

function proxyHint({ hostname }: URL): string {
  return hostname.includes('.svc') ? '' : '; inside a cluster best the name of its Service'
}

function redirected(status: number, { location = '' }: AnswerTraits, url: URL): UpstreamFault {
  const usable = location !== '' && URL.canParse(location, url.href)
  const target = usable ? new URL(location, url.href) : undefined
  const why = `it answers ${status}, a redirect, which rolecall never follows with a token`
  if (target === undefined) {
    return { why, remedy: 'Write the URL that answers by itself in `upstream`.' }
  }
  const shown = `${target.origin}${target.pathname}`
  const bare = (path: string) => path.replace(/\/+$/, '')
  const samePath = bare(target.pathname) === bare(url.pathname)
  if (samePath && target.hostname === url.hostname) {
    const remedy = `Write upstream = "${shown}"${target.pathname === url.pathname ? '' : ": its path, slash at the end or not, must be the server's own"}.`
    return { why: `it redirects to ${shown}, and rolecall never follows one with a token`, remedy }
  }
  return {
    why: `it redirects to ${shown}: something in front of it wants a sign-in of its own`,
    remedy:
      'Let `upstream` lead to the MCP server itself, past the proxy with a sign-in: rolecall and the API server judge tokens already.',
  }
}

/** A refusal that a good bearer token would meet, too. */
function keptOut(status: number, traits: AnswerTraits, url: URL): UpstreamFault | undefined {
  if (hostRefused.test(traits.start)) return hostCheck(status, url)
  if (traits.scheme !== undefined && traits.scheme !== 'bearer') {
    return ownLogin(`it answers ${status} and wants ${traits.scheme}, an authorization of its own`)
  }
  if (isPage(traits)) return ownLogin(`it answers ${status} with a web page`)
  return undefined
}

function ownLogin(why: string): UpstreamFault {
  return {
    why,
    remedy:
      'Take that away, or let `upstream` lead past it: rolecall sends the bearer token of the user and nothing else.',
  }
}

function hostCheck(status: number, { host }: URL): UpstreamFault {
  return {
    why: `it answers ${status}, since it does not take the Host ${host}`,
    remedy: `Let the MCP server allow the host ${host} (its protection against DNS rebinding, often --allowed-hosts), or write the name that it knows in \`upstream\`.`,
  }
}

function notThere(status: number, url: URL): UpstreamFault {
  const why = `it answers ${status}: there is no MCP endpoint at ${url.pathname}`
  const bare = url.pathname.replace(/\/+$/, '')
  if (/\/(sse|message|messages)$/.test(bare)) {
    return {
      why,
      remedy: `${url.pathname} belongs to the older transport of MCP. Write the path of streamable http in \`upstream\`: "${url.origin}${bare.replace(/\/\w+$/, '')}/mcp".`,
    }
  }
  const other = bare !== url.pathname && bare !== '' ? bare : `${bare === '/mcp' ? '' : bare}/mcp`
  const suggestion =
    bare === '/mcp' && bare === url.pathname ? `${url.origin}/` : url.origin + other
  return {
    why,
    remedy: `Write the path at which the MCP server serves streamable http in \`upstream\`; most have /mcp without a slash at the end. To try first: "${suggestion}".`,
  }
}

function proxyAlone(status: number): UpstreamFault {
  return {
    why: `a proxy answers ${status} in its place`,
    remedy:
      'See that the MCP server behind that proxy runs and is ready, or let `upstream` lead to the server itself.',
  }
}
