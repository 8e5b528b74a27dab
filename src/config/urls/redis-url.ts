import { ValueError } from '../value-error.ts'

/** What the address of a Redis server says. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly username?: string
  readonly password?: string
  readonly database: number
}

const DEFAULT_PORT = 6379
const form = 'Write redis://host:6379 or, with TLS, rediss://host:6379.'
const apart =
  'Write redis_url = "rediss://host:6380" and the rest into redis_username and redis_password, where nothing needs encoding.'

/**
 * Reads the address of a Redis server: `redis://[user[:password]@]host[:port][/database]`, `rediss://`
 * with TLS. Access keys with `/`, `#`, `?` or `%` in them make URLs that mean something else, so
 * what looks like one is refused. The password is a secret, and in no message.
 */
export function parseRedisUrl(text: string): RedisAddress | ValueError {
  if (!/^rediss?:\/\//i.test(text)) return new ValueError('is not the URL of a Redis server', form)
  if (/[/?#].*@/s.test(text.replace(/^rediss?:\/\//i, ''))) {
    return new ValueError('has a user or password with "/", "?" or "#" in it, not encoded', apart)
  }
  if (!URL.canParse(text)) return new ValueError('is not the URL of a Redis server', form)
  const url = new URL(text)
  if (url.hostname === '') return new ValueError('names no server', form)
  if (url.search !== '' || url.hash !== '') {
    return new ValueError('has a query or a fragment, which mean nothing there', form)
  }
  const [username, password] = [decoded(url.username), decoded(url.password)]
  if (username === undefined || password === undefined) {
    return new ValueError('has a "%" in user or password that begins no %xx', apart)
  }
  const database = /^\/?(?<number>\d{0,4})$/.exec(url.pathname)?.groups?.['number']
  if (database === undefined) {
    return new ValueError('has a path that is no number of a database', form)
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    tls: url.protocol === 'rediss:',
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    database: Number(database),
  }
}

/** As {@link parseRedisUrl}, for the setting: kept as written. */
export function readRedisUrl(text: string): string | ValueError {
  const address = parseRedisUrl(text)
  return address instanceof ValueError ? address : text
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
