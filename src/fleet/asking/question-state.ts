import { isJsonObject } from '../../oauth/json.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { open, seal } from '../../sealing/sealed-value.ts'

/** What a question belongs to: an answer is taken for nothing else. */
export interface QuestionOf {
  /** The one text that stands for the user. */
  readonly user: string
  readonly method: string
  /** The tool, the prompt or the URI. */
  readonly subject: string
  readonly cluster: string
  /** A cluster of the same name may be another one after a reload. */
  readonly upstream: string
}

export type OpenedState =
  /** @property state the cluster's own; absent: it gave none */
  | { readonly kind: 'opened'; readonly state?: string }
  | { readonly kind: 'refused'; readonly problem: string }

/** People take their time; a question that is older is asked anew. */
const GOOD_FOR_MS = 1_800_000

/**
 * Seals what a cluster wants to have back with the answer (`requestState`, MCP 2026-07-28): clients
 * carry it, and can neither read nor change it, nor use it for another user, tool, prompt, resource or
 * cluster (replay, confused deputy).
 *
 * @param state the cluster's own
 */
export function sealState(
  of: QuestionOf,
  state: string | undefined,
  { keys, now }: { readonly keys: KeyRing; readonly now: number },
): Promise<string> {
  return seal({ ...of, at: now, ...(state !== undefined && { state }) }, keys)
}

/**
 * Not checked: whether it was shown before. What may be answered once is the cluster's to say, as it is
 * without rolecall between.
 *
 * @param now milliseconds since the epoch
 */
export async function openState(
  sealed: string,
  of: QuestionOf,
  { keys, now }: { readonly keys: KeyRing; readonly now: number },
): Promise<OpenedState> {
  const opened = await open(sealed, keys).catch(() => undefined)
  if (!isJsonObject(opened)) return refused('it was not made here')
  const { at, state } = opened
  if (opened['user'] !== of.user) return refused('it was made for another user')
  if (opened['method'] !== of.method || opened['subject'] !== of.subject) {
    return refused('it was made for something else')
  }
  if (opened['cluster'] !== of.cluster || opened['upstream'] !== of.upstream) {
    return refused('it was made for another cluster')
  }
  if (typeof at !== 'number' || now - at >= GOOD_FOR_MS) return refused('it is too old')
  return { kind: 'opened', ...(typeof state === 'string' && { state }) }
}

function refused(why: string): OpenedState {
  return {
    kind: 'refused',
    problem: `This requestState cannot be used: ${why}. Ask again without it.`,
  }
}
