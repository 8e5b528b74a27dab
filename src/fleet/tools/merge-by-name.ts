import type { MemberList } from '../calls/member-lists.ts'
import { compareVersions } from './versions.ts'

/** What several clusters list under one name. */
export interface Merged<Item> {
  /** The one that is shown: of the newest server, where they differ. */
  readonly shown: Item
  readonly all: readonly Item[]
  /** Clusters where a call as shown is right, in the order of the configuration. */
  readonly clusters: readonly string[]
  /** Clusters that have one of this name with another shape. */
  readonly differsOn: readonly string[]
}

/**
 * Makes one list of the lists of all clusters. What has one name and one shape is one; where shapes
 * differ, that of the newest server is shown, for the clusters that have it so. A cluster whose list is
 * not known counts as having each: what a user is offered depends on configuration and rights, never on
 * health, since clients keep lists for long.
 *
 * @param lists in the order of the configuration
 * @param shapeOf a text that is the same where a call is made alike
 * @returns sorted by name
 */
export function mergeByName<Item extends { readonly name: string }>(
  lists: readonly MemberList<Item>[],
  shapeOf: (item: Item) => string,
): readonly Merged<Item>[] {
  const byName = new Map<string, Offer<Item>[]>()
  for (const { cluster, serverVersion, items } of lists) {
    for (const item of items ?? []) {
      const offers = byName.get(item.name) ?? []
      // A second one of the same name on one server cannot be called apart from the first.
      if (offers.at(-1)?.cluster === cluster) continue
      offers.push({ cluster, serverVersion, item })
      byName.set(item.name, offers)
    }
  }
  const unknown = lists.filter(({ items }) => items === undefined).map(({ cluster }) => cluster)
  return [...byName.values()]
    .map((offers): Merged<Item> => {
      const shown = newest(offers)
      const shape = shapeOf(shown)
      const alike = ({ item }: Offer<Item>) => shapeOf(item) === shape
      const takes = new Set([...offers.filter(alike).map(({ cluster }) => cluster), ...unknown])
      return {
        shown,
        all: offers.map(({ item }) => item),
        clusters: lists.map(({ cluster }) => cluster).filter((cluster) => takes.has(cluster)),
        differsOn: offers.filter((offer) => !alike(offer)).map(({ cluster }) => cluster),
      }
    })
    .toSorted((a, b) => (a.shown.name < b.shown.name ? -1 : 1))
}

interface Offer<Item> {
  readonly cluster: string
  readonly serverVersion: string | undefined
  readonly item: Item
}

function newest<Item>(offers: readonly Offer<Item>[]): Item {
  return offers.reduce((best, offer) =>
    compareVersions(offer.serverVersion, best.serverVersion) > 0 ? offer : best,
  ).item
}
