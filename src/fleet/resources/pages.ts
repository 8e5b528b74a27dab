import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server'
import { isJsonObject } from '../../oauth/json.ts'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { open, seal } from '../../sealing/sealed-value.ts'
import type { MemberList } from '../calls/member-lists.ts'

/** What a cursor of the fleet is good for: one list, for one user. */
export interface CursorOwner {
  readonly list: 'resources' | 'resourceTemplates'
  /** Key of the user, as principals have it. */
  readonly user: string
}

/** A part of the lists of all clusters, one after the other. */
export interface FleetPage<Item> {
  readonly items: readonly (readonly [cluster: string, item: Item])[]
  readonly nextCursor?: string
}

const MOST_ITEMS = 500
const MOST_BYTES = 1024 * 1024

/**
 * One page of what the clusters list. Where it ends is sealed into its cursor, with the list and the user
 * that it is good for. A member's own cursor never gets here: its pages are read before.
 *
 * @param lists in the order of the configuration
 * @param cursor of the page before, as the client sends it
 * @param keys those of purpose `list cursor`
 * @throws ProtocolError for a cursor that is none, or another user's, or of a cluster that is gone
 */
export async function pageOf<Item extends object>(
  lists: readonly MemberList<Item>[],
  cursor: string | undefined,
  { keys, ...owner }: CursorOwner & { readonly keys: KeyRing },
): Promise<FleetPage<Item>> {
  const begin = cursor === undefined ? undefined : await positionIn(cursor, owner, keys)
  const first = begin ? lists.findIndex(({ cluster }) => cluster === begin.cluster) : 0
  if (first < 0) throw unknownCursor()
  const page: (readonly [string, Item])[] = []
  let bytes = 0
  for (const [cluster, at, item] of itemsFrom(lists.slice(first), begin?.from ?? 0)) {
    bytes += JSON.stringify(item).length
    if (page.length > 0 && (page.length === MOST_ITEMS || bytes > MOST_BYTES)) {
      return { items: page, nextCursor: await seal({ ...owner, cluster, from: at }, keys) }
    }
    page.push([cluster, item])
  }
  return { items: page }
}

/** @param from of the first list */
function* itemsFrom<Item>(
  lists: readonly MemberList<Item>[],
  from: number,
): Generator<readonly [cluster: string, at: number, item: Item]> {
  let begin = from
  for (const { cluster, items = [] } of lists) {
    for (const [at, item] of items.slice(begin).entries()) yield [cluster, begin + at, item]
    begin = 0
  }
}

interface Position {
  readonly cluster: string
  /** Index of the first item in the cluster's list. */
  readonly from: number
}

async function positionIn(
  cursor: string,
  { list, user }: CursorOwner,
  keys: KeyRing,
): Promise<Position> {
  const value = await open(cursor, keys)
  if (!isJsonObject(value) || value['list'] !== list || value['user'] !== user) {
    throw unknownCursor()
  }
  return { cluster: String(value['cluster']), from: Number(value['from']) }
}

function unknownCursor(): ProtocolError {
  const words = 'This cursor is not good here: leave it out to begin the list again.'
  return new ProtocolError(ProtocolErrorCode.InvalidParams, words)
}
