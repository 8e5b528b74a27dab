import type { Config } from '../../config/config.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import type { Hook } from './step.ts'

/**
 * Refuses requests that were meant for another host (421, RFC 9110 §15.5.20). It stops DNS rebinding,
 * where a page reaches us under a name of its own, and clients whose tokens would be bound to an
 * address that is not ours.
 */
export function ownHost(config: Pick<Config, 'public_url' | 'internal_hosts'>): Hook {
  const ours = acceptedHosts(config)
  return (request, _reply, done) => {
    if (ours.has((request.raw.headers.host ?? '').toLowerCase())) done()
    else {
      done(
        new ErrorAnswer({
          status: 421,
          error: 'misdirected_request',
          description:
            'This server does not answer to the Host of this request. Call it by the host of `public_url`; or its operator adds this one to `internal_hosts`.',
        }),
      )
    }
  }
}

/** Every spelling of our hosts: a default port may be written or left out. */
function acceptedHosts(config: Pick<Config, 'public_url' | 'internal_hosts'>): ReadonlySet<string> {
  const url = new URL(config.public_url)
  const port = url.protocol === 'https:' ? 443 : 80
  const hosts = [url.host, ...config.internal_hosts.map((host) => host.toLowerCase())]
  if (url.port === '') hosts.push(`${url.host}:${port}`)
  return new Set(hosts)
}
