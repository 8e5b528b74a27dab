import { isIP } from 'node:net'

const hostName = /^(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/i

/** Whether a URL's host is this machine: localhost, 127.0.0.0/8, [::1]. `host` as `URL` gives it. */
export function isLoopbackHost(host: string): boolean {
  const bare = withoutBrackets(host).toLowerCase()
  return (
    bare === 'localhost' ||
    bare.endsWith('.localhost') ||
    bare === '::1' ||
    (isIP(bare) === 4 && bare.startsWith('127.'))
  )
}

/**
 * Whether a name can only be resolved within a cluster: a single label, `*.svc`,
 * `*.cluster.local`. Whether it resolves, and to what, is not checked.
 */
export function isClusterInternalHost(host: string): boolean {
  const name = host.toLowerCase()
  if (isIP(withoutBrackets(name)) !== 0 || !hostName.test(name)) return false
  return !name.includes('.') || name.endsWith('.svc') || name.endsWith('.cluster.local')
}

/** Whether an origin is http or https on this machine itself. */
export function isLoopbackOrigin(origin: string): boolean {
  if (!/^https?:/.test(origin) || !URL.canParse(origin)) return false
  const url = new URL(origin)
  return url.origin === origin && isLoopbackHost(url.hostname)
}

/** Whether nobody but this machine can reach a rolecall: by what it is called, and by where it listens. */
export function isOnLoopback(at: {
  readonly public_url: string
  readonly listen: { readonly host: string }
}): boolean {
  return isLoopbackOrigin(at.public_url) && isLoopbackHost(at.listen.host)
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}
