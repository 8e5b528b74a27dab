import type { RuleInput } from '../rules/rule.ts'
import { signInConfig } from '../rules/sign-in-config.ts'
import { kindOfProvider } from './identity-provider.ts'

const PATH = ['identity_provider', 'resolve_groups']

/**
 * What `resolve_groups` needs: what Graph says travels in the tokens that rolecall hands out, so that
 * every replica knows it and it ends with them; and something must depend on it.
 */
export function judgeResolvedGroups(input: RuleInput): void {
  const { settings, draft, report, mode } = input
  const { resolve_groups: resolves } = settings.identity_provider
  if (resolves !== true || mode === 'off' || kindOfProvider(input) === 'oidc') return
  const signIn = signInConfig(settings, mode)
  if (signIn.mode !== 'off' && signIn.tokens !== 'sealed') {
    report.wrong(
      draft,
      PATH,
      'needs sign_in.tokens = "sealed": the groups travel in the tokens that rolecall hands out',
      'Write tokens = "sealed" in [sign_in].',
    )
  }
  const isNamed = settings.resource.some(
    ({ required_groups: required, allow }) =>
      required.length > 0 || allow.some(({ groups }) => groups.length > 0),
  )
  if (isNamed) return
  const message = 'has no effect, since no required_groups and no tool rule name a group'
  report.warn(draft, PATH, message, 'Remove it.')
}
