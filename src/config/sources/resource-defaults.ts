import { tableAt } from '../schema/settings.ts'
import { type DraftTable, isTable, type SettingsDraft, valueAt } from './draft.ts'

/**
 * Gives every resource what `[resource_defaults]` says and the resource itself does not, under the
 * name that its author knows. What no resource takes stays, to be judged where it is.
 */
export function applyResourceDefaults(draft: SettingsDraft): void {
  const defaults = valueAt(draft.root, ['resource_defaults'])
  const resources = valueAt(draft.root, ['resource'])
  if (!isTable(defaults) || !Array.isArray(resources)) return
  const shared = tableAt(['resource_defaults'])?.properties ?? {}
  const known = Object.entries(defaults).filter(([key]) => Object.hasOwn(shared, key))
  for (const [key, value] of known) {
    const takers = [...resources.entries()].filter(([, one]) => lacks(one, key))
    const label = draft.keyOf(['resource_defaults', key])
    for (const [index] of takers) {
      draft.assign({ path: ['resource', index, key], value: structuredClone(value), label })
    }
    if (takers.length > 0) delete (defaults as DraftTable)[key]
  }
}

function lacks(resource: unknown, key: string): boolean {
  return isTable(resource) && !Object.hasOwn(resource, key)
}
