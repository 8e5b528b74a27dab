import * as z from 'zod'
import { readRedisUrl } from '../urls/redis-url.ts'
import { textAs } from '../value-error.ts'
import { named, secret } from './text.ts'

/** `[store]`: what sign-in remembers across processes. */
export const storeSchema = z
  .strictObject({
    ...secret('redis_url', textAs(readRedisUrl), {
      description:
        'A Redis or Valkey server for single use and reuse detection across processes. `rediss://` is TLS; a password in it is percent-encoded, or stands in `redis_password`.',
      examples: ['rediss://redis:6379'],
    }),
    redis_username: named.optional().meta({
      description: 'The user at that server, as it is. Absent: the default user.',
    }),
    ...secret('redis_password', named, {
      description:
        'The password or access key at that server, as it is: `/`, `#`, `?`, `%`, `+`, `=` need no encoding (Azure).',
      examples: [`\${REDIS_PASSWORD}`],
    }),
  })
  .prefault({})
  .meta({ description: "Where sign-in keeps state. Absent: this process's memory." })
