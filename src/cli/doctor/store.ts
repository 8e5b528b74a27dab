import type { Config } from '../../config/config.ts'
import { type ExaminedRedis, examineRedis } from '../../store/examine-redis.ts'
import { redisRemedy } from '../../store/redis-remedies.ts'
import type { DoctorCheck } from './report.ts'

const name = 'store'

/** Whether the store of `[store]` can be used; nothing where there is none. */
export async function storeChecks({
  store,
  sign_in: signIn,
}: Pick<Config, 'store' | 'sign_in'>): Promise<readonly DoctorCheck[]> {
  const { redis_url: url } = store
  if (url === undefined || signIn.mode === 'off') return []
  return [storeWords(await examineRedis({ ...store, redis_url: url }))]
}

function storeWords(examined: ExaminedRedis): DoctorCheck {
  if (examined.kind === 'usable') {
    const { server = 'A server that does not tell its version' } = examined
    return { name, verdict: 'ok', sentence: `${server} keeps what it is given.` }
  }
  const { reason } = examined
  return {
    name,
    verdict: 'failed',
    sentence: `It cannot be used (${reason}), so that no user can sign in or refresh; calls go on.`,
    remedy: redisRemedy(reason),
  }
}
