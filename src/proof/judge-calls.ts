import type { CallOutcome, UpstreamProof } from './upstream-proof.ts'

/** The endings of the two calls. */
export interface Calls {
  readonly tool: string
  /** With a well-formed token that nobody signed. */
  readonly nobody: CallOutcome
  /** With no token at all. */
  readonly none: CallOutcome
}

export const ownRemedy =
  'Let it use the token of each request and nothing else. kubernetes-mcp-server: require_oauth = true, skip_jwt_verification = true, cluster_auth_mode = "passthrough", and a kubeconfig without credentials. A server that takes the token in a header of its own: upstream_token_header. If it is meant to act as itself: upstream_identity = "own" with unsafe_upstream_identity = true.'

/**
 * What two calls say about an upstream: both end in an error: it passes the token through; either is
 * carried out: it acts as itself.
 *
 * An error that names a user is no error of this kind: the API server names only whom it knows, and
 * it knows nobody by a token that nobody signed, so the credential was the upstream's own.
 *
 * Not shown by this: that the upstream uses a good token for nobody but its own user.
 */
export function judgeCalls({ tool, nobody, none }: Calls): UpstreamProof {
  const ownWords = actsAsItself(nobody, none)
  if (ownWords !== undefined) {
    return { verdict: 'own', tool, sentence: ownWords, remedy: ownRemedy, passing: false }
  }
  const unclear = [nobody, none].find((outcome) => outcome.kind === 'unclear')
  if (unclear === undefined) {
    const sentence = `It passes the caller's token through: ${tool} fails with a token that nobody signed, and without a token.`
    return { verdict: 'caller', tool, sentence, passing: false }
  }
  const which = unclear === nobody ? 'with a token that nobody signed' : 'without a token'
  return { ...notShown(`at ${tool} ${which} ${unclear.why}`, unclear.passing), tool }
}

/**
 * A proof that shows nothing.
 *
 * @param why the end of a sentence
 */
export function notShown(why: string, passing: boolean, remedy?: string): UpstreamProof {
  return {
    verdict: 'not_shown',
    sentence: `It is not shown as whom it acts: ${why}.`,
    remedy:
      remedy ??
      'See that `upstream` is right and the server and its cluster are up, or name a read-only tool without required arguments that reaches the API server in probe_tool. `rolecall doctor` asks again.',
    passing,
  }
}

function actsAsItself(nobody: CallOutcome, none: CallOutcome): string | undefined {
  if (nobody.kind === 'succeeded' && none.kind === 'succeeded') {
    return 'It acts as itself: it answers whatever token it is shown, and without any.'
  }
  if (nobody.kind === 'succeeded') {
    return 'It acts as itself: it answers a token that nobody signed.'
  }
  if (none.kind === 'succeeded') {
    return 'It acts as itself where a call has no token, so it has a credential of its own.'
  }
  const known = [nobody, none].find((outcome) => outcome.kind === 'refused_as')
  if (known === undefined) return undefined
  return `It acts as itself: the cluster knows it as "${known.user}".`
}
