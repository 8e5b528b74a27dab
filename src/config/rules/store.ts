import { isIP } from 'node:net'
import { isClusterInternalHost, isLoopbackHost } from '../../net/loopback.ts'
import { isPublicAddress } from '../../net/public-address.ts'
import { parseRedisUrl, type RedisAddress } from '../schema/redis-url.ts'
import { ValueError } from '../value-error.ts'
import type { RuleInput } from './rule.ts'

/** What the settings of the store demand of each other. */
export function judgeStore(input: RuleInput): void {
  const { settings, draft, report } = input
  const { redis_url: url, redis_username: username, redis_password: password } = settings.store
  const given = { redis_username: username, redis_password: password }
  if (report.isWrong(['store', 'redis_url']) || report.isWrong(['store', 'redis_url_file'])) return
  const address = url === undefined ? undefined : parseRedisUrl(url)
  if (address !== undefined && !(address instanceof ValueError)) warnPlain(address, input)
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

/** A password goes over the internet in the clear, and with it what sign-in keeps. */
function warnPlain(address: RedisAddress, { settings, draft, report }: RuleInput): void {
  const { host, tls } = address
  const password = settings.store.redis_password ?? address.password
  if (tls || password === undefined || !isPublicHost(host)) return
  report.warn(
    draft,
    ['store', 'redis_url'],
    'sends a password over plain TCP to a public name',
    'Write rediss:// (Azure: port 6380 or 10000).',
  )
}

function isPublicHost(host: string): boolean {
  if (isIP(host) !== 0) return isPublicAddress(host)
  return !isLoopbackHost(host) && !isClusterInternalHost(host)
}
