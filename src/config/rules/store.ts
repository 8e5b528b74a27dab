import { parseRedisUrl } from '../schema/redis-url.ts'
import { ValueError } from '../value-error.ts'
import type { RuleInput } from './rule.ts'

/** What the settings of the store demand of each other. */
export function judgeStore({ settings, draft, report }: RuleInput): void {
  const { redis_url: url, redis_username: username, redis_password: password } = settings.store
  const given = { redis_username: username, redis_password: password }
  if (report.isWrong(['store', 'redis_url']) || report.isWrong(['store', 'redis_url_file'])) return
  const address = url === undefined ? undefined : parseRedisUrl(url)
  for (const [key, value] of Object.entries(given)) {
    const path = ['store', key]
    if (value === undefined || report.isWrong(path) || address instanceof ValueError) continue
    if (address === undefined) {
      report.wrong(draft, path, 'is there without redis_url', 'Write redis_url too.')
    } else if (address.username !== undefined || address.password !== undefined) {
      const message = 'is there, and redis_url has a user or a password in it too'
      report.wrong(draft, path, message, 'Keep redis_username and redis_password alone.')
    }
  }
}
