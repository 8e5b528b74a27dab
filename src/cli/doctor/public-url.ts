import type { Config, ProtectedResource } from '../../config/config.ts'
import { isLoopbackOrigin } from '../../net/loopback.ts'
import { parseObject } from '../../oauth/json.ts'
import { resourceMetadataUrl } from '../../oauth/metadata/resource-metadata.ts'
import { takesSealedTokens } from '../../sign-in/sealed/access-token-format.ts'
import { type ProbedAnswer, probe } from './probe.ts'
import { consequenceOf, type DoctorCheck, type Finding } from './report.ts'

type Answer = Extract<ProbedAnswer, { kind: 'answer' }>

/**
 * Whether `public_url` leads to a rolecall with this resource, and what stands between: asked from
 * here, without a token. What answers there as something else fails, since clients are led there;
 * what cannot be reached may be so from here alone.
 */
export async function publicUrlChecks(
  resource: ProtectedResource,
  config: Config,
): Promise<readonly DoctorCheck[]> {
  const { name } = resource
  const address = addressFinding(await probe(metadataUrl(resource, config)), resource, config)
  const ingress =
    address.verdict === 'ok' ? await ingressFinding(resource, config) : consequenceFor(address)
  return [
    { name: 'public_url', resource: name, ...address },
    ...(ingress ? [{ name: 'ingress', resource: name, ...ingress } as const] : []),
  ]
}

/** Where the address is merely out of reach, the way to it is no subject. */
function consequenceFor({ verdict }: Finding): Finding | undefined {
  return verdict === 'failed' ? consequenceOf('public_url') : undefined
}

function metadataUrl({ path }: ProtectedResource, { public_url: publicUrl }: Config): string {
  return resourceMetadataUrl(publicUrl, path)
}

function addressFinding(
  answer: ProbedAnswer,
  resource: ProtectedResource,
  config: Config,
): Finding {
  const url = metadataUrl(resource, config)
  if (answer.kind === 'failed') return outOfReach(url, answer.code, config)
  const expected = `${config.public_url}${resource.path}`
  if (answer.status === 200) {
    const named = parseObject(answer.body)?.['resource']
    if (named === expected) return { verdict: 'ok', sentence: `${url} describes this resource.` }
    return {
      verdict: 'failed',
      sentence: `${url} describes something else${typeof named === 'string' ? ': another resource' : ''}.`,
      remedy:
        'Let DNS and ingress lead public_url to this rolecall, or write the origin as public_url that does; the path of the resource and all of /.well-known and /oauth must come here.',
    }
  }
  const { status } = answer
  if (status === 502 || status === 503 || status === 504) {
    return {
      verdict: 'warning',
      sentence: `${url} answers ${status}: what is in front of rolecall finds none.`,
      remedy:
        'Start rolecall, and see that the ingress leads to its Service and port, and that it is ready.',
    }
  }
  return {
    verdict: 'failed',
    sentence: `${url} answers ${status}${redirectWords(answer)}, so that no client finds where to sign in.`,
    remedy: `Let the ingress pass on /.well-known, /oauth and ${resource.path} as they are, all prefixes and without a sign-in of its own; then see that public_url is what clients use.`,
  }
}

function redirectWords({ status, headers }: Answer): string {
  const { location } = headers
  if (status < 300 || status > 399 || typeof location !== 'string') return ''
  return URL.canParse(location) ? `, a redirect to ${new URL(location).origin}` : ', a redirect'
}

function outOfReach(url: string, code: string, { public_url: publicUrl }: Config): Finding {
  if (isLoopbackOrigin(publicUrl) && code === 'ECONNREFUSED') {
    return {
      verdict: 'warning',
      sentence: `Nothing listens at ${publicUrl} yet (${code}).`,
      remedy: 'Start rolecall; if it runs, public_url has another port than `listen`.',
    }
  }
  const tls = /CERT|^UNABLE_TO_|ALTNAME|HOSTNAME_MISMATCH|SELF_SIGNED/.test(code)
  return {
    verdict: 'warning',
    sentence: tls
      ? `The certificate at ${publicUrl} is not trusted here (${code}).`
      : `${url} cannot be reached from here (${code}).`,
    remedy: tls
      ? 'Give the ingress a certificate for that name that clients trust, with its whole chain; if they trust an authority of your own, so may this machine by NODE_EXTRA_CA_CERTS.'
      : 'Check that public_url is what clients use, that DNS and ingress lead it here, and that rolecall is running. From inside a cluster it may be out of reach.',
  }
}

/** Characters; what a token of a user in 200 groups takes: Entra's own, and one that rolecall sealed. */
const LONGEST_TOKEN = { own: 12_000, sealed: 7_300 } as const

/** What a call meets on its way in: without a token, then with the longest one. */
async function ingressFinding(resource: ProtectedResource, config: Config): Promise<Finding> {
  const url = `${config.public_url}${resource.path}`
  const call = (headers: Record<string, string>) =>
    probe(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    })
  const bare = wayFinding(await call({}), url, resource)
  if (bare !== undefined) return bare
  const length = takesSealedTokens(config.sign_in) ? LONGEST_TOKEN.sealed : LONGEST_TOKEN.own
  const long = await call({ authorization: `Bearer ${'x'.repeat(length)}` })
  if (long.kind === 'answer' && isOurs(long)) {
    const sentence = `Calls come through, with a token of ${length} characters too.`
    return { verdict: 'ok', sentence }
  }
  const what = long.kind === 'answer' ? `answers ${long.status}` : `ends (${long.code})`
  return {
    verdict: 'warning',
    sentence: `A call with a token of ${length} characters, as users in many groups have it, ${what} before rolecall.`,
    remedy:
      'Let the ingress take longer headers: ingress-nginx large-client-header-buffers "4 32k" in its ConfigMap; Application Gateway and Front Door have limits of their own, then tokens = "sealed" and fewer groups in the token help.',
  }
}

/** Our own answers have an id by which the log has them. */
function isOurs({ body }: Answer): boolean {
  const { request_id: id, error } = parseObject(body) ?? {}
  return typeof id === 'string' && typeof error === 'string'
}

function wayFinding(
  answer: ProbedAnswer,
  url: string,
  { path }: ProtectedResource,
): Finding | undefined {
  if (answer.kind === 'failed') {
    return {
      verdict: 'failed',
      sentence: `A call to ${url} ends (${answer.code}), while the metadata beside it comes through.`,
      remedy: `Let the ingress pass on POST to ${path}, without a firewall rule that cuts it.`,
    }
  }
  const { status } = answer
  if (isOurs(answer) && status === 401) return undefined
  if (isOurs(answer) && status === 421) {
    return {
      verdict: 'failed',
      sentence: `rolecall answers ${url} with 421: the ingress passes on another Host than clients send.`,
      remedy:
        'Let the ingress keep the Host (nginx: proxy_set_header Host $host, no upstream-vhost), or name the one that it sends in internal_hosts.',
    }
  }
  return {
    verdict: 'failed',
    sentence: `A call to ${url} is answered ${status}${redirectWords(answer)} before rolecall, which would answer 401 with its challenge.`,
    remedy: `Take the sign-in or firewall in front away for ${path}, and let POST, GET and DELETE there come through: clients learn from rolecall's own 401 where to sign in.`,
  }
}
