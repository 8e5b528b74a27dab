import type { Config } from '../../config/config.ts'
import type { Problem } from '../../config/report/problem.ts'

/** Settings of the listening sockets, which a reload keeps open, as `listen` takes them. */
const socketSettings: Readonly<Record<string, (config: Config) => unknown>> = {
  listen: ({ listen }) => listen,
  admin_listen: ({ admin_listen: listen }) => listen,
  keep_alive: ({ keep_alive: idle }) => idle,
  'limits.header_bytes': ({ limits }) => limits.header_bytes,
  'limits.header_timeout': ({ limits }) => limits.header_timeout,
  'limits.body_timeout': ({ limits }) => limits.body_timeout,
  'limits.connections': ({ limits }) => limits.connections,
  tls_certificate_file: ({ tls }) => tls !== undefined,
}

/** Warns of each setting that a reload found changed and that only a start takes. */
export function needsRestart(before: Config, after: Config): Problem[] {
  const changed = Object.entries(socketSettings).filter(
    ([, of]) => JSON.stringify(of(before)) !== JSON.stringify(of(after)),
  )
  return changed.map(([key]) => ({
    key,
    message: 'changed, and takes effect only after a restart',
    remedy: 'Restart rolecall.',
  }))
}
