import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { badUsage, type Command } from '../../../src/cli/command.ts'
import { defaultPeopleFile, type People, readPeople } from '../people.ts'
import { type KeysFrontOptions, startKeysFront } from './keys-front.ts'
import { type MockEntra, startMockEntra } from './mock-entra.ts'

const usage = `Usage: npm run mock-idp -- [--port N] [--people FILE]
              [--keys-url URL --keys-port N --keys-certificate FILE --keys-key FILE]

  --port N                 the port on 127.0.0.1 (default 9000; 0 takes any that is free)
  --people FILE            accounts and groups as JSON (default: alice, bob and carol)

  For an API server elsewhere, such as kind's: discovery and keys, and nothing else, by https
  --keys-url URL           where the API server finds them: https://10.96.0.90
  --keys-port N            the port on every address of this machine (default 9443)
  --keys-certificate FILE  PEM, for the host of the URL
  --keys-key FILE          PEM
`

interface Settings {
  readonly port: number
  readonly people: People
  readonly keys: Omit<KeysFrontOptions, 'origin' | 'tenantId'> | undefined
}

/**
 * Runs the mock identity provider on loopback until SIGINT or SIGTERM.
 * Ends with 0; with 1 when it cannot listen; with 2 for wrong arguments or a wrong file.
 */
export const command: Command = {
  summary: 'a mock of Entra ID on loopback, for trying rolecall out',
  usage,
  async run(argv, terminal) {
    const settings = await readSettings(argv).catch((error: unknown) => wordsOf(error))
    if (typeof settings === 'string') {
      terminal.stderr(`${settings}\n\n${usage}`)
      return badUsage
    }
    const running = await start(settings).catch((error: unknown) => wordsOf(error))
    if (typeof running === 'string') {
      terminal.stderr(`${running}\n`)
      return 1
    }
    const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
    terminal.stdout(greeting(running.mock))
    await stopped
    await running.close()
    return 0
  },
}

async function start({
  keys,
  ...settings
}: Settings): Promise<{ readonly mock: MockEntra; close(): Promise<void> }> {
  const mock = await startMockEntra({ ...settings, asksAgain: true })
  if (!keys) return { mock, close: () => mock.close() }
  try {
    const { origin, tenantId } = mock
    const front = await startKeysFront({ ...keys, origin, tenantId })
    return { mock, close: () => front.close().finally(() => mock.close()) }
  } catch (error) {
    await mock.close()
    throw error
  }
}

const flags = {
  port: { type: 'string' },
  people: { type: 'string' },
  'keys-url': { type: 'string' },
  'keys-port': { type: 'string' },
  'keys-certificate': { type: 'string' },
  'keys-key': { type: 'string' },
} as const

type Values = Readonly<Partial<Record<keyof typeof flags, string | undefined>>>

async function readSettings(argv: readonly string[]): Promise<Settings> {
  const { values } = parseArgs({ args: [...argv], options: flags })
  return {
    port: readPort(values, 'port', '9000'),
    people: await readPeople(values.people ?? defaultPeopleFile),
    keys: await readKeysFront(values),
  }
}

function readPort(values: Values, flag: 'port' | 'keys-port', fallback: string): number {
  const port = values[flag] ?? fallback
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new Error(`--${flag} must be a number from 0 to 65535, not "${port}"`)
  }
  return Number(port)
}

async function readKeysFront(values: Values): Promise<Settings['keys']> {
  const { 'keys-url': url, 'keys-certificate': certificate, 'keys-key': key } = values
  if ([url, certificate, key, values['keys-port']].every((value) => value === undefined)) {
    return undefined
  }
  if (url === undefined || certificate === undefined || key === undefined) {
    throw new Error('--keys-url, --keys-certificate and --keys-key go together')
  }
  if (!URL.canParse(url) || !url.startsWith('https://')) {
    throw new Error(`--keys-url must be an https URL, not "${url}"`)
  }
  return {
    url,
    port: readPort(values, 'keys-port', '9443'),
    certificate: await readFile(certificate, 'utf8'),
    key: await readFile(key, 'utf8'),
  }
}

function greeting({ origin, tenantId, people, clients }: MockEntra): string {
  const names = new Map(people.groups.map(({ id, name }) => [id, name]))
  const persons = people.people.map(({ username, upn, groups }) => {
    const list = groups.map((id) => names.get(id) ?? id).join(', ')
    return `  ${username.padEnd(10)} ${upn.padEnd(24)} ${list || 'in no group'}`
  })
  const apps = clients.map(({ name, client_id, client_secret }) => {
    return `  ${name.padEnd(14)} ${client_id}  ${client_secret ?? 'public, no secret'}`
  })
  const someone = people.people[0]?.username ?? ''
  return [
    'Mock Entra ID. Whoever reaches it is whoever they say: for this machine only.',
    '',
    `authority   ${origin}`,
    `tenant_id   ${tenantId}`,
    `discovery   ${origin}/${tenantId}/v2.0/.well-known/openid-configuration`,
    '',
    'people',
    ...persons,
    '',
    'clients',
    ...apps,
    '',
    'a token for AKS',
    `  curl -s '${origin}/_mock/token?person=${someone}'`,
    'faults and controls',
    `  curl -s ${origin}/_mock`,
    '',
    'Ctrl-C stops it.',
    '',
  ].join('\n')
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
