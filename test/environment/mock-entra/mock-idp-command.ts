import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { badUsage, type Command } from '../../../src/cli/command.ts'
import { defaultPeopleFile, type People, readPeople } from '../people.ts'
import { type MockEntra, startMockEntra } from './mock-entra.ts'

const usage = `Usage: npm run mock-idp -- [--port N] [--people FILE]

  --port N       the port on 127.0.0.1 (default 9000; 0 takes any that is free)
  --people FILE  accounts and groups as JSON (default: alice, bob and carol)
`

interface Settings {
  readonly port: number
  readonly people: People
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
    const mock = await startMockEntra({ ...settings, asksAgain: true }).catch((error: unknown) =>
      wordsOf(error),
    )
    if (typeof mock === 'string') {
      terminal.stderr(`${mock}\n`)
      return 1
    }
    const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
    terminal.stdout(greeting(mock))
    await stopped
    await mock.close()
    return 0
  },
}

async function readSettings(argv: readonly string[]): Promise<Settings> {
  const { values } = parseArgs({
    args: [...argv],
    options: { port: { type: 'string' }, people: { type: 'string' } },
  })
  const port = values.port ?? '9000'
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new Error(`--port must be a number from 0 to 65535, not "${port}"`)
  }
  return { port: Number(port), people: await readPeople(values.people ?? defaultPeopleFile) }
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
