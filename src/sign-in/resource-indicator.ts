import type { Config, ProtectedResource } from '../config/config.ts'
import type { ErrorAnswer } from '../oauth/error-answer.ts'
import { invalidTarget } from '../oauth/errors.ts'
import { printableAddress } from '../oauth/printable.ts'

/** Finds the resources that a client may mean. */
export interface ResourceIndicators {
  /**
   * The names of the resources that the values of `resource` mean, or that are meant without one
   * (RFC 8707 §2). Our bare origin means all of them. Several values must mean one resource together:
   * clients send the same one twice, and a token for two is none that we make.
   *
   * @throws ErrorAnswer `invalid_target`, naming what is expected
   */
  meantBy(values: readonly string[]): readonly string[]
}

/**
 * Takes none, a resource's URL with or without one trailing slash, and our origin; all of it under
 * `public_url` and under each of `internal_hosts`.
 */
export function resourceIndicators(
  config: Pick<Config, 'public_url' | 'internal_hosts'>,
  resources: readonly Pick<ProtectedResource, 'name' | 'path'>[],
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
    meantBy(values) {
      const meant = values.reduce((names, value) => {
        const meaning = meanings.get(normalised(value) ?? '')
        if (!meaning) throw notServed(value, expected)
        return names.filter((name) => meaning.includes(name))
      }, all)
      if (meant.length > 0) return meant
      throw invalidTarget(`Only one resource can be asked for; expected ${expected}.`)
    },
  }
}

function notServed(value: string, expected: string): ErrorAnswer {
  const cut = /[?#]/.test(value) ? ', with what follows it,' : ''
  const given = printableAddress(value, 80)
  return invalidTarget(`The resource ${given}${cut} is not served here; expected ${expected}.`)
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
