import type { ProtectedResource } from '../../config/config.ts'
import { protectedResources } from '../../config/protected-resources.ts'
import { text } from '../../oauth/claims.ts'
import { readJwt } from '../../oauth/jwt.ts'
import { printable } from '../../oauth/printable.ts'
import {
  readSelfSubjectReview,
  SELF_SUBJECT_REVIEW,
  SELF_SUBJECT_REVIEW_PATH,
  type SelfSubjectReview,
} from '../../proof/self-subject-review.ts'
import { probe } from '../doctor/probe.ts'
import type { DoctorCheck, Finding } from '../doctor/report.ts'
import type { Examined } from '../doctor/resource.ts'
import { explainFor } from '../explain/explain.ts'
import { refusalWords } from '../explain/explanation-text.ts'
import { tokenOpener, whyUnopenable } from '../sealed-token.ts'

/** Judges one token for every resource and the fleet. One that fits another resource is only a warning here. */
export async function tokenChecks(token: string, examined: Examined): Promise<DoctorCheck[]> {
  const resources = protectedResources(examined.config)
  const unopenable = whyUnopenable(token, examined.config)
  if (unopenable) return [{ name: 'token', verdict: 'not reached', ...unopenable }]
  const explained = await Promise.all(
    resources.map(async (resource) => {
      return { resource, explanation: await explainFor(resource, token, examined) }
    }),
  )
  const fits = explained.some(({ explanation }) => explanation.verdict === 'accepted')
  const { fleet } = examined.config
  const isOfFleet = explained.some(
    ({ resource, explanation }) =>
      resource.name === fleet?.resource.name && explanation.verdict === 'accepted',
  )
  // A token that is sealed for the fleet is for no other path, and so nothing is wrong there.
  const told = explained.filter(
    ({ resource, explanation }) =>
      explanation.refusal?.reason !== 'not_sealed' ||
      !isOfFleet ||
      !fleet?.members.includes(resource.name),
  )
  const firstOf = new Map<string, string>()
  return told.map(({ resource, explanation }) => {
    const about = { name: 'token', resource: resource.name } as const
    const words = refusalWords(explanation)
    if (words !== undefined && !firstOf.has(words)) firstOf.set(words, resource.name)
    if (words === undefined) return { ...about, ...acceptedFinding(token, resource, examined) }
    const verdict = fits ? 'warning' : 'failed'
    return {
      ...about,
      verdict: explanation.verdict === 'undecided' ? 'not reached' : verdict,
      sentence: words,
      // The same for all that say so: they are told as one.
      remedy: `Every check: rolecall explain --resource ${firstOf.get(words)} FILE.`,
    }
  })
}

/** What is to be said of a token that is accepted: one without the claim that is to name its user. */
function acceptedFinding(
  token: string,
  resource: ProtectedResource,
  { config }: Pick<Examined, 'config'>,
): Finding {
  const ok: Finding = { verdict: 'ok', sentence: 'It is accepted.' }
  const { user_claim: claim } = config.identity_provider
  const inside = tokenOpener(resource, config)?.open(token)?.token ?? token
  const claims = readJwt(inside)?.claims ?? {}
  if (claim === undefined || text(claims, claim) !== undefined) return ok
  const others = NAMING_CLAIMS.filter((one) => text(claims, one) !== undefined)
  return {
    verdict: 'warning',
    sentence: `It is accepted, and does not have the claim "${printable(claim)}", by which identity_provider.user_claim names users: in the log its user has another name than in the cluster.`,
    remedy: `Set identity_provider.user_claim to the claim that the API server reads (--oidc-username-claim); this token has ${others.join(', ') || 'none of the usual'}. Or let the identity provider put "${printable(claim)}" into its tokens.`,
  }
}

/** By which clusters know users. */
const NAMING_CLAIMS = ['upn', 'preferred_username', 'email', 'unique_name', 'oid', 'sub']

/** An API server that may be shown the token; the operator names it, and nothing else ever does. */
export interface ApiServer {
  /** An origin, https but on loopback. */
  readonly url: string
  /** PEM; absent: the system's authorities. */
  readonly certificateAuthority?: string
}

/**
 * Asks the API server itself as whom it knows the token, as `kubectl auth whoami` does: what rolecall
 * takes and the cluster does not ends in the tool error of every call. A sealed token is opened first.
 */
export async function apiServerCheck(
  token: string,
  server: ApiServer,
  { config }: Pick<Examined, 'config'>,
): Promise<DoctorCheck> {
  const opened = await Promise.all(
    protectedResources(config).map((resource) => tokenOpener(resource, config)?.open(token)),
  )
  const inside = opened.find((one) => one !== undefined)?.token ?? token
  const answer = await probe(server.url.replace(/\/$/, '') + SELF_SUBJECT_REVIEW_PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${inside}` },
    body: SELF_SUBJECT_REVIEW,
    certificateAuthority: server.certificateAuthority,
  })
  const review: SelfSubjectReview =
    answer.kind === 'answer'
      ? readSelfSubjectReview(answer.status, answer.body)
      : { kind: 'unclear', why: `it cannot be reached (${answer.code})` }
  return { name: 'API server', ...reviewFinding(review, config.identity_provider.user_claim) }
}

function reviewFinding(review: SelfSubjectReview, userClaim: string | undefined): Finding {
  if (review.kind === 'known') {
    const { user, groups } = review
    const of = groups.length === 0 ? 'no groups' : `groups ${groups.join(', ')}`
    return { verdict: 'ok', sentence: `It knows this token as ${user}, with ${of}.` }
  }
  if (review.kind === 'unclear') {
    return {
      verdict: 'warning',
      sentence: `It does not say as whom it knows the token: ${review.why}.`,
      remedy:
        'Check --api-server and --api-server-ca: kubectl config view --minify --raw shows both.',
    }
  }
  return {
    verdict: 'failed',
    sentence: 'It does not take this token (401), so that every call with it fails at the cluster.',
    remedy: `Let the API server trust the same issuer and audience: AKS with Microsoft Entra integration takes audience 6dae42f8-4368-4678-94ff-3960e28e3630 alone; elsewhere see --oidc-issuer-url, --oidc-client-id and --oidc-username-claim${userClaim === undefined ? '' : ` (here user_claim is ${userClaim})`}, or its AuthenticationConfiguration. Its log names the reason.`,
  }
}
