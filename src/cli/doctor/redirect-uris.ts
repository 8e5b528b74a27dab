import { createHash, randomBytes } from 'node:crypto'
import { systemClock } from '../../clock.ts'
import type { Config, ResourceConfig } from '../../config/config.ts'
import {
  type AuthorizeAnswer,
  judgeAuthorizeAnswer,
  type RedirectVerdict,
} from '../../issuer/errors/authorize-answer.ts'
import { explainProviderError } from '../../issuer/errors/entra-errors.ts'
import { providerFetchOptions } from '../../issuer/provider-connection.ts'
import { createBoundedFetch } from '../../net/bounded-fetch.ts'
import { asDocumentError } from '../../net/document-error.ts'
import { isClusterInternalHost, isLoopbackOrigin } from '../../net/loopback.ts'
import type { ProviderExplanation } from '../../oauth/provider-explanation.ts'
import { callbackUrl } from '../../sign-in/broker-context.ts'
import { exactRedirectUris } from '../../sign-in/clients/redirect-uris.ts'
import type { ExaminedProvider } from './provider.ts'
import { explanationWords, isDiscovered, needsDiscovery } from './provider-documents.ts'
import type { DoctorCheck, Finding } from './report.ts'

const name = 'redirect URI'

/**
 * Asks the provider's authorize endpoint, as a browser would be sent there, whether it knows where it
 * shall send browsers back to: `prompt=none`, so that nobody is asked anything and no code is made.
 *
 * Not shown: what a provider says only after somebody has signed in.
 */
export async function redirectUriChecks(
  config: Config,
  examined: ExaminedProvider,
): Promise<readonly DoctorCheck[]> {
  const targets = redirectTargets(config)
  if (targets.length === 0) return []
  if (!isDiscovered(examined)) return [needsDiscovery(name)]
  const endpoint = examined.provider.authorizationEndpoint()
  if (endpoint === undefined) return [{ name, ...noEndpoint }]
  if (isOutOfReach(endpoint, config)) return [{ name, ...insideOnly(endpoint) }]
  const connection = createBoundedFetch({
    ...providerFetchOptions(config.identity_provider, systemClock),
    showsRedirects: true,
  })
  const ask = (uri: string, resource: ResourceConfig) =>
    connection
      .fetch(authorizeUrl(endpoint, uri, { config, resource }), {
        method: 'GET',
        headers: { accept: 'text/html' },
        body: undefined,
        redirect: 'manual',
      })
      .then(async (response): Promise<AuthorizeAnswer> => {
        const location = response.headers.get('location') ?? undefined
        const { status } = response
        return { status, body: await response.text(), ...(location !== undefined && { location }) }
      })
      .catch((error: unknown) => asDocumentError(error))
  try {
    const [first] = config.resources
    if (first === undefined) return []
    const asked = await Promise.all(
      targets.map(async ({ uris }) => {
        return Promise.all(uris.map(async (uri) => judged(uri, await ask(uri, first), config)))
      }),
    )
    return [{ name, ...wholeFinding(asked) }]
  } finally {
    connection.close()
  }
}

/** Where browsers come back to: one of each group has to be registered. */
function redirectTargets(config: Config): readonly { readonly uris: readonly string[] }[] {
  const { sign_in: signIn } = config
  if (signIn.mode === 'off') return []
  if (signIn.mode === 'broker') return [{ uris: [callbackUrl(config)] }]
  return signIn.redirect_uris
    .map((entry) => ({ uris: exactRedirectUris([entry]) }))
    .filter(({ uris }) => uris.length > 0)
}

function authorizeUrl(
  endpoint: string,
  redirectUri: string,
  { config, resource }: { readonly config: Config; readonly resource: ResourceConfig },
): string {
  const { client_id: clientId = '', authorize_parameters: further } = config.identity_provider
  const verifier = randomBytes(32).toString('base64url')
  const url = new URL(endpoint)
  for (const [key, value] of Object.entries({
    ...further,
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: resource.request_scopes.join(' '),
    state: randomBytes(16).toString('base64url'),
    nonce: randomBytes(16).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    prompt: 'none',
  })) {
    url.searchParams.set(key, value)
  }
  return url.href
}

interface Judged {
  readonly uri: string
  readonly verdict: RedirectVerdict
}

function judged(
  uri: string,
  answer: AuthorizeAnswer | Error,
  { identity_provider }: Config,
): Judged {
  if (answer instanceof Error) return { uri, verdict: { kind: 'unknown', why: answer.message } }
  const explain = (error: string, description: string): ProviderExplanation =>
    explainProviderError({ error, codes: [], description })
  return {
    uri,
    verdict: judgeAuthorizeAnswer(answer, uri, { kind: identity_provider.kind, explain }),
  }
}

/** One of each group is enough: a preset names addresses of several regions. */
function wholeFinding(asked: readonly (readonly Judged[])[]): Finding {
  const all = asked.flat()
  const refused = all.find(({ verdict }) => verdict.kind === 'refused')
  if (refused?.verdict.kind === 'refused') {
    return { verdict: 'failed', ...explanationWords(refused.verdict.explanation) }
  }
  const lacking = asked.filter((group) =>
    group.every(({ verdict }) => verdict.kind === 'unregistered'),
  )
  if (lacking.length > 0) return unregistered(lacking, asked.length)
  const unknown = all.find(({ verdict }) => verdict.kind === 'unknown')
  const known = all.filter(({ verdict }) => verdict.kind === 'registered').map(({ uri }) => uri)
  if (known.length > 0) {
    return { verdict: 'ok', sentence: `The provider knows ${known.join(', ')}.` }
  }
  const why = unknown?.verdict.kind === 'unknown' ? unknown.verdict.why : 'no answer'
  return {
    verdict: 'warning',
    sentence: `It is not shown whether the provider knows where to send browsers back to: ${why}.`,
    remedy: `See that the client at the provider has ${all.map(({ uri }) => uri).join(' or ')}, letter for letter.`,
  }
}

function unregistered(lacking: readonly (readonly Judged[])[], groups: number): Finding {
  const uris = lacking.map((group) => group.map(({ uri }) => uri).join(' or '))
  const verdicts = lacking.flat().map(({ verdict }) => verdict)
  const code = verdicts.find((it) => it.kind === 'unregistered')?.code
  return {
    // Who signs in by another of them still can.
    verdict: lacking.length === groups ? 'failed' : 'warning',
    sentence: `The provider does not know ${uris.join(', nor ')}${code === undefined ? '' : ` (${code})`}.`,
    remedy:
      'Add it, letter for letter, to the redirect URIs of the client at the provider (Entra: Authentication of the app registration, platform Web).',
  }
}

const noEndpoint: Finding = {
  verdict: 'failed',
  sentence: 'The discovery document names no authorization_endpoint that a browser may visit.',
  remedy:
    'Let the provider name it with https; Keycloak: set --hostname to the name that users see.',
}

function isOutOfReach(endpoint: string, { public_url: publicUrl }: Config): boolean {
  return isClusterInternalHost(new URL(endpoint).hostname) && !isLoopbackOrigin(publicUrl)
}

function insideOnly(endpoint: string): Finding {
  const { origin } = new URL(endpoint)
  return {
    verdict: 'failed',
    sentence: `The discovery document sends browsers to ${origin}, a name that only the cluster knows.`,
    remedy:
      'Let the provider name itself as users see it (Keycloak: --hostname https://…, and --hostname-backchannel-dynamic for the rest), and write that as issuer.',
  }
}
