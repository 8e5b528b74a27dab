import { aboutInWords } from '../pages/words.ts'
import { remedyFor } from './remedies.ts'
import type { ResourceState, Status } from './status.ts'

/** What somebody has to do something about, and what. */
export interface Trouble {
  /** `now`: people cannot work, or may do too much. `soon`: they can, for now. */
  readonly urgency: 'now' | 'soon'
  /** One sentence. */
  readonly what: string
  readonly remedy: string
}

const DAY_MS = 86_400_000
const CERTIFICATE_DAYS = 14
/** Fetches may fail once or twice without anybody being told. */
const MISSED_FETCHES = 3

/** The causes of what goes wrong now, the most urgent first. Empty: all is well. */
export function troublesOf(status: Status): readonly Trouble[] {
  const all = [
    ...providerTroubles(status),
    ...storeTroubles(status),
    ...status.resources.flatMap((resource) => upstreamTroubles(resource)),
    ...fleetTroubles(status),
    ...configurationTroubles(status),
    ...certificateTroubles(status),
    ...signInTroubles(status),
    ...refusalTroubles(status),
    ...limitTroubles(status),
    ...logTroubles(status),
  ]
  return [
    ...all.filter(({ urgency }) => urgency === 'now'),
    ...all.filter(({ urgency }) => urgency === 'soon'),
  ]
}

const reachable =
  'Make it reachable: DNS, network policies, HTTPS_PROXY, identity_provider.certificate_authority_file. It is asked again within ten seconds.'

function providerTroubles({ provider, now }: Status): Trouble[] {
  const { decides, ready, keysFetchedAt = now, refreshEvery, staleFor } = provider
  const { credentialRefused, reason = 'no answer yet' } = provider
  const troubles: Trouble[] = []
  if (credentialRefused) {
    const { what, remedy } = credentialRefused.what
    troubles.push({
      urgency: 'now',
      what: `Nobody can sign in or refresh: the identity provider refuses rolecall's own credential. ${what}`,
      remedy,
    })
  }
  const age = now - keysFetchedAt
  if (!ready) {
    const what = `Every call is answered 503: the identity provider's keys were never fetched (${reason}).`
    troubles.push({ urgency: 'now', what, remedy: reachable })
  } else if (!decides) {
    const what = `Every call is answered 503: the identity provider's keys are ${aboutInWords(age)} old, more than stale_for allows (${reason}).`
    troubles.push({ urgency: 'now', what, remedy: reachable })
  } else if (provider.reason !== undefined || age > MISSED_FETCHES * refreshEvery) {
    const what = `The identity provider is away (${reason}). Calls go on for ${aboutInWords(staleFor - age)} with the keys that are there; nobody can sign in.`
    troubles.push({ urgency: 'soon', what, remedy: reachable })
  }
  return troubles
}

function storeTroubles({ store }: Status): Trouble[] {
  if (store.kind === 'none' || store.away === undefined) return []
  const { reason, remedy } = store.away.what
  const what = `Nobody can sign in or refresh: Redis cannot be used (${reason}). Calls go on.`
  return [{ urgency: 'now', what, remedy }]
}

function upstreamTroubles({ name, contact, proof }: ResourceState): Trouble[] {
  const troubles: Trouble[] = []
  if (proof?.verdict === 'own') {
    const remedy = proof.remedy ?? remedyFor('upstream_refused')
    const what = `The MCP server of ${name} acts as itself for everybody who signs in: ${proof.sentence}`
    troubles.push({ urgency: 'now', what, remedy })
  }
  const { failedAt = 0, answeredAt = 0, reason = '' } = contact ?? {}
  if (failedAt > answeredAt) {
    const what = `The MCP server of ${name} does not answer calls (${reason}).`
    troubles.push({ urgency: 'now', what, remedy: remedyFor(reason) })
  } else if (proof?.passing && answeredAt === 0) {
    const remedy = proof.remedy ?? remedyFor('upstream_unavailable')
    const what = `The MCP server of ${name} may be away. ${proof.sentence}`
    troubles.push({ urgency: 'soon', what, remedy })
  }
  return troubles
}

function fleetTroubles({ fleet }: Status): Trouble[] {
  const alone = fleet?.members.filter(({ isLeftAlone }) => isLeftAlone) ?? []
  return alone.map(({ name }) => ({
    urgency: 'now',
    what: `The fleet leaves the cluster ${name} alone: its MCP server failed several times in a row, and every call to it is answered at once that it cannot be reached.`,
    remedy: `${remedyFor('upstream_unavailable')} Every ten seconds one call tries it again.`,
  }))
}

function configurationTroubles({ configuration: { refused } }: Status): Trouble[] {
  return (refused?.what ?? []).map(({ key, message, remedy }) => ({
    urgency: 'soon',
    what: `A changed configuration was not taken over; the former one stays in force: ${key} ${message}.`,
    remedy,
  }))
}

function certificateTroubles({ certificateEnds, now }: Status): Trouble[] {
  const soon = Object.entries(certificateEnds).filter(
    ([, at]) => at - now < CERTIFICATE_DAYS * DAY_MS,
  )
  return soon.map(([setting, at]) => ({
    urgency: at <= now ? 'now' : 'soon',
    what:
      at <= now
        ? `The certificate of ${setting} has ended.`
        : `The certificate of ${setting} ends in ${aboutInWords(at - now)}.`,
    remedy: 'Put a new one with its key into the file; it is taken over without a restart.',
  }))
}

function signInTroubles({ signInFailures }: Status): Trouble[] {
  return signInFailures.flatMap(({ facts: { explanation } }) => {
    const whose = explanation?.whose
    if (explanation === undefined || (whose !== 'administrator' && whose !== 'operator')) return []
    const what = `Sign-ins fail: ${explanation.what} (${explanation.code ?? 'the identity provider refused'})`
    return [{ urgency: 'now' as const, what, remedy: explanation.remedy }]
  })
}

/** Refusals that no client brings about by itself in the course of a day. */
const TELLING: ReadonlySet<string> = new Set([
  'wrong_audience',
  'wrong_client',
  'wrong_issuer',
  'wrong_tenant',
  'graph_token',
  'algorithm_not_allowed',
  'not_sealed',
  'not_a_jwt',
  'id_token',
  'access_token',
  'not_yet_valid',
  'groups_not_in_token',
  'bad_signature',
  'misdirected_request',
  'audit_unavailable',
])

function refusalTroubles({ refused }: Status): Trouble[] {
  return refused
    .filter(({ facts }) => TELLING.has(facts.reason))
    .map(({ facts: { resource, reason, decision }, count }) => ({
      urgency: decision === 'unavailable' ? 'now' : 'soon',
      what: `${times(count)} in the last hour ${resource} refused a request: ${reason}.`,
      remedy: remedyFor(reason),
    }))
}

function limitTroubles({ limits }: Status): Trouble[] {
  return limits.map(({ facts: { limit }, count }) => ({
    urgency: 'soon',
    what: `${times(count)} in the last hour requests were beyond limits.${limit}.`,
    remedy: `Stop the client that sends too much or too slowly, or raise limits.${limit}.`,
  }))
}

function logTroubles({ lostLines }: Status): Trouble[] {
  const lost = Object.values(lostLines).reduce((sum, lines) => sum + lines, 0)
  if (lost === 0) return []
  const what = `${lost} lines of the log are missing since the start: nobody read it, or it could not be written.`
  return [{ urgency: 'soon', what, remedy: 'Let the log be read; make room on its disk.' }]
}

export function times(count: number): string {
  return count === 1 ? 'Once' : `${count} times`
}
