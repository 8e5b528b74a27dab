import type { Config } from '../../config/config.ts'
import { type ExaminedRedis, examineRedis } from '../../store/examine-redis.ts'
import type { DoctorCheck } from './report.ts'

const name = 'store'

/** Whether the store of `[store]` can be used; nothing where there is none. */
export async function storeChecks({
  store: { redis_url: url },
  sign_in: signIn,
}: Pick<Config, 'store' | 'sign_in'>): Promise<readonly DoctorCheck[]> {
  if (url === undefined || signIn.mode === 'off') return []
  return [storeWords(await examineRedis(url))]
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
    remedy: remedies[reason] ?? (/CERT|TLS|SSL|ALTNAME|EPROTO/.test(reason) ? trust : reach),
  }
}

const reach =
  'See that redis_url of [store] has the right name and port, that the server runs, and that network policies let rolecall reach it. With TLS the URL begins with rediss://.'
const trust =
  'Name the server in redis_url by a name in its certificate; give an authority of your own in the variable NODE_EXTRA_CA_CERTS, a file, at the start.'
const login =
  'Write user name and password into redis_url of [store], redis://user:password@host:6379, special characters as %xx.'
const writable = 'Let redis_url of [store] lead to the primary; a replica takes nothing.'

const remedies: Readonly<Record<string, string>> = {
  NOAUTH: login,
  WRONGPASS: login,
  NOPERM: 'Allow the user of redis_url: ~rolecall:* +get +set +del.',
  READONLY: writable,
  MASTERDOWN: writable,
  OOM: 'The server is out of memory (maxmemory); give it more, or a store of its own.',
  MISCONF: 'The server cannot write to its disk; its log says more.',
  LOADING: 'The server is still starting; run doctor again.',
  ERR: 'See that the database at the end of redis_url of [store] is there; 0 always is.',
}
