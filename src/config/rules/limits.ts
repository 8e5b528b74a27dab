import type { RuleInput } from './rule.ts'

/** What the limits demand of each other. */
export function judgeLimits({ settings, draft, report }: RuleInput): void {
  const { body_bytes: one, buffered_bytes: all } = settings.limits
  const path = ['limits', 'buffered_bytes']
  if (all >= one || report.isWrong(path) || report.isWrong(['limits', 'body_bytes'])) return
  report.wrong(
    draft,
    path,
    'is less than body_bytes: the largest body that is allowed would never fit',
    `Write ${one} or more, or a smaller body_bytes.`,
  )
}
