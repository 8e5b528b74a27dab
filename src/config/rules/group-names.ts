import { kindOfProvider } from '../provider/identity-provider.ts'
import { isGuid } from '../schema/identifiers.ts'
import type { Path } from '../sources/draft.ts'
import type { RuleInput } from './rule.ts'

/**
 * Warns of groups of Entra ID by name: its tokens hold object ids, so that nobody is in such a group.
 * Not where another claim is read, and not of names that a registration puts there on purpose
 * (`cloud_displayname`), which only the tokens show.
 */
export function warnGroupNames(input: RuleInput, path: Path, groups: readonly string[]): void {
  const { settings, draft, report } = input
  if (kindOfProvider(input) !== 'entra' || settings.identity_provider.groups_claim !== 'groups')
    return
  const name = groups.find((group) => !isGuid(group))
  if (name === undefined || report.isWrong(path)) return
  report.warn(
    draft,
    path,
    'names a group that is no GUID, and groups of Entra ID are GUIDs in tokens: nobody is in it',
    'Write its object id: az ad group show --group NAME --query id. If your tokens hold names, leave it.',
  )
}
