import type { Config, ResourceConfig } from '../config/config.ts'
import { invalidTarget } from '../oauth/errors.ts'
import { printableAddress } from '../oauth/printable.ts'

/** Finds the resources that a client may mean. */
export interface ResourceIndicators {
  /**
   * The resources that a `resource` value means, or that are meant without one (RFC 8707 §2): one,
   * or with our bare origin all of them.
   *
   * @param several whether there were more values than this one, which we never take
   * @throws ErrorAnswer `invalid_target`, naming what is expected
   */
  meantBy(value: string | undefined, several?: boolean): readonly string[]
}

/**
 * Takes none, a resource's URL with or without one trailing slash, and our origin; all of it under
 * `public_url` and under each of `internal_hosts`.
 */
export function resourceIndicators(
  config: Pick<Config, 'public_url' | 'internal_hosts'>,
  resources: readonly Pick<ResourceConfig, 'name' | 'path'>[],
): ResourceIndicators {
  const internal = config.internal_hosts.flatMap((host) => [`http://${host}`, `https://${host}`])
  const origins = [config.public_url, ...internal].map((origin) => new URL(origin).origin)
  const all = resources.map(({ name }) => name)
  const meanings = new Map<string, readonly string[]>(origins.map((origin) => [origin, all]))
  for (const { name, path } of resources) {
    for (const origin of origins) meanings.set(origin + path, [name])
  }
  const expected = resources.map(({ path }) => config.public_url + path).join(' or ')
  return {
    meantBy(value, several = false) {
      if (several) throw invalidTarget(`Only one resource can be asked for; expected ${expected}.`)
      if (value === undefined) return all
      const meaning = meanings.get(normalised(value) ?? '')
      if (meaning) return meaning
      const cut = /[?#]/.test(value) ? ', with what follows it,' : ''
      const given = printableAddress(value, 80)
      throw invalidTarget(`The resource ${given}${cut} is not served here; expected ${expected}.`)
    },
  }
}

/** Scheme, host with port, and the rest as it was sent. */
const ADDRESS = /^(https?):\/\/([^/?#\\@\s]+)(\/[^?#\\\s]*)?$/i
const defaultPorts: Readonly<Record<string, string>> = { http: ':80', https: ':443' }

/**
 * Clients differ in the case of scheme and host, a default port and one trailing slash. Nothing else
 * is made alike: what `URL` would mend is another address.
 */
function normalised(value: string): string | undefined {
  const [, scheme = '', host = '', path = ''] = ADDRESS.exec(value) ?? []
  const lower = scheme.toLowerCase()
  const port = defaultPorts[lower]
  if (port === undefined) return undefined
  const name = host.toLowerCase()
  const plain = name.endsWith(port) ? name.slice(0, -port.length) : name
  return `${lower}://${plain}${path.endsWith('//') ? path : path.replace(/\/$/, '')}`
}
