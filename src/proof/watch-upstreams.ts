import type { Clock } from '../clock.ts'
import type { ResourceConfig } from '../config/config.ts'
import type { Logger } from '../observe/logger.ts'
import type { Metrics } from '../observe/metrics/metrics.ts'
import { proveUpstream } from './prove-upstream.ts'
import type { TokenShape } from './untrusted-token.ts'
import { type ProofVerdict, proofVerdicts, type UpstreamProof } from './upstream-proof.ts'

/** What the watch works with. */
export interface WatchParts {
  readonly resources: readonly ResourceConfig[]
  /** Asked at each try: discovery can name an issuer later. */
  tokens(): Omit<TokenShape, 'audience'>
  readonly clock: Clock
  readonly version: string
  readonly log: Logger
  readonly metrics: Metrics
  /** Told of what each try showed. */
  readonly onProof?: (resource: string, proof: UpstreamProof) => void
}

/** Exponential backoff, from the end of a try to the next. */
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 300_000

/**
 * Asks every upstream once as whom it acts, in the background, logs and counts what came of it. An
 * upstream that is away or slow is asked again after growing pauses, five minutes at the most.
 *
 * @returns ends it, also in the middle of a try
 */
export function watchUpstreams(parts: WatchParts): () => void {
  parts.metrics.upstreamIdentity.reset()
  const ends = parts.resources.map((resource) => watch(resource, parts))
  return () => {
    for (const end of ends) end()
  }
}

function watch(resource: ResourceConfig, parts: WatchParts): () => void {
  const { clock, version } = parts
  const stopped = new AbortController()
  const { signal } = stopped
  let pause = FIRST_PAUSE_MS
  let told: string | undefined
  let cancel: () => void = () => undefined

  const attempt = async (): Promise<void> => {
    const subject = { resource, tokens: parts.tokens() }
    const proof = await proveUpstream(subject, { clock, version, signal })
    if (signal.aborted) return
    parts.onProof?.(resource.name, proof)
    // An upstream that is away for hours is told of once.
    if (proof.sentence !== told) tell(resource.name, proof, parts)
    told = proof.sentence
    if (!proof.passing) return
    cancel = clock.after(pause, begin)
    pause = Math.min(LONGEST_PAUSE_MS, pause * 2)
  }
  const begin = (): void => {
    attempt().catch((error: unknown) => {
      const reason = error instanceof Error ? error.name : 'unknown'
      parts.log.error({ kind: 'upstream_proof', resource: resource.name, reason }, 'failed')
    })
  }
  begin()
  return () => {
    stopped.abort()
    cancel()
  }
}

const levels: Readonly<Record<ProofVerdict, 'info' | 'warn' | 'error'>> = {
  caller: 'info',
  own: 'error',
  not_shown: 'warn',
  configured_own: 'warn',
}

function tell(name: string, proof: UpstreamProof, { log, metrics }: WatchParts): void {
  const { verdict, tool, sentence, remedy } = proof
  for (const one of proofVerdicts) {
    metrics.upstreamIdentity.set({ resource: name, verdict: one }, one === verdict ? 1 : 0)
  }
  log[levels[verdict]]({ kind: 'upstream_proof', resource: name, verdict, tool, remedy }, sentence)
}
