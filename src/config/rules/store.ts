import { isIP } from 'node:net'
import { isClusterInternalHost, isLoopbackHost } from '../../net/loopback.ts'
import { isPublicAddress } from '../../net/public-address.ts'
import { parseRedisUrl, type RedisAddress } from '../urls/redis-url.ts'
import { ValueError } from '../value-error.ts'
import type { RuleInput } from './rule.ts'

/** What the settings of the store demand of each other. */
export function judgeStore(input: RuleInput): void {
  const { settings, report } = input
  if (report.isWrong(['store'])) return
  const { redis_url: url } = settings.store
  const address = url === undefined ? undefined : parseRedisUrl(url)
  if (address instanceof ValueError) return
  if (address !== undefined) warnPlain(address, input)
  judgeLogin('redis_username', address?.username, input)
  judgeLogin('redis_password', address?.password, input)
  judgeUserAlone(address, input)
}

/** @param inUrl what the URL says of the same thing */
function judgeLogin(
  key: 'redis_username' | 'redis_password',
  inUrl: string | undefined,
  { settings, draft, report }: RuleInput,
): void {
  const path = ['store', key]
  if (settings.store[key] === undefined) return
  if (settings.store.redis_url === undefined) {
    report.wrong(draft, path, 'is there without redis_url', 'Write redis_url too.')
  } else if (inUrl !== undefined) {
    const remedy = `Keep ${key} alone, and redis_url without it.`
    report.wrong(draft, path, 'is there, and redis_url has one in it too', remedy)
  }
}

/** Redis takes a user with a password only (AUTH). */
function judgeUserAlone(
  address: RedisAddress | undefined,
  { settings, draft, report }: RuleInput,
): void {
  const { redis_username: username, redis_password: password } = settings.store
  const path = ['store', 'redis_username']
  if (username === undefined || (password ?? address?.password) !== undefined) return
  if (report.isWrong(path)) return
  report.wrong(draft, path, 'has no effect without a password', 'Write redis_password too.')
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
