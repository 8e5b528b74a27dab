import type { MockEntra } from '../../environment/mock-entra/mock-entra.ts'
import { closable } from '../support/closing.ts'
import { createPerson } from '../support/person.ts'
import { serve } from '../support/served.ts'
import { runAuthorizationSuite, type SuiteClient, type SuiteRun } from './suite.ts'

/** One of rolecall's authorization servers, asked by one client. */
export interface AuthorizationRun {
  readonly server: string
  readonly client: string
  readonly run: SuiteRun
}

/** A public one: where a server takes those, the suite shows no secret. */
const CONFIGURED = { client_id: 'configured', redirect_uris: ['loopback'] }

/** The second resource has an authorization server of its own, below the origin. */
const SERVERS = [
  { server: 'of the first resource', issuer: '', path: '/mcp' },
  { server: 'of a further resource', issuer: '/oauth/other', path: '/other/mcp' },
]

/** Runs the scenarios against a rolecall in broker mode, by its own command. */
export async function runAuthorization(entra: MockEntra): Promise<AuthorizationRun[]> {
  const rolecall = await closable((closing) =>
    serve(
      {
        entra,
        upstream: 'http://127.0.0.1:9/mcp',
        furtherResources: { other: { path: '/other/mcp' } },
        signIn: {
          mode: 'broker',
          redirect_uris: ['loopback'],
          client_metadata_hosts: ['claude.ai'],
          client: [CONFIGURED],
        },
      },
      closing,
    ),
  )
  try {
    const runs: AuthorizationRun[] = []
    for (const { server, issuer, path } of SERVERS) {
      const url = rolecall.origin + issuer
      for (const client of await clientsOf(url)) {
        const asked = { client: client.as, person: createPerson('alice') }
        const run = await runAuthorizationSuite(url, rolecall.origin + path, asked)
        runs.push({ server, client: client.name, run })
      }
    }
    return runs
  } finally {
    await rolecall.close()
  }
}

async function clientsOf(issuer: string): Promise<{ name: string; as: SuiteClient }[]> {
  return [
    { name: 'of the configuration', as: CONFIGURED },
    { name: 'registered by itself', as: await registered(issuer) },
  ]
}

async function registered(issuer: string): Promise<SuiteClient> {
  const base = new URL(issuer).pathname === '/' ? `${issuer}/oauth` : issuer
  const answer = await fetch(`${base}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['http://127.0.0.1/callback'] }),
  })
  const { client_id } = (await answer.json()) as SuiteClient
  return { client_id }
}
