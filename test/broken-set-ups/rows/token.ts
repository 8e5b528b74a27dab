import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MintRequest } from '../../environment/mock-entra/mint.ts'
import type { FaultGroup, SetUp } from '../set-up.ts'
import type { Changes, World } from '../world.ts'

interface Around {
  readonly argv?: readonly string[]
  readonly provider?: Changes['provider']
  readonly resource?: Changes['resource']
}

async function withToken(
  world: World,
  mint: MintRequest,
  { argv = [], provider = {}, resource = {} }: Around = {},
): Promise<SetUp> {
  const entra = await world.entra()
  const file = await world.relay(entra, {
    provider,
    resource: { allowed_clients: ['*'], ...resource },
  })
  const files = { '/token': await entra.mint(mint) }
  return { file, files, argv: ['--token-file', '/token', ...argv] }
}

/** An API server that answers a SelfSubjectReview with this status. */
async function apiServer(world: World, status: number): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"kind":"Status"}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  world.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A token that somebody has at hand, shown to doctor. */
export const tokenFaults: FaultGroup = {
  title: 'A token of your own (--token-file)',
  rows: [
    {
      fault: 'The token is for Microsoft Graph',
      named: { doctor: /token of prod: .*Microsoft Graph.*explain/s },
      build: (world) => withToken(world, { kind: 'graph' }),
    },
    {
      fault: 'The token is of an application, not of a user',
      named: { doctor: /token of prod: .*application.*explain/s },
      build: (world) => withToken(world, { kind: 'app' }),
    },
    {
      fault: 'The token has expired',
      named: { doctor: /token of prod: The token expired .*explain/s },
      build: (world) => withToken(world, { lifetime: -60 }),
    },
    {
      fault: 'Tokens do not have the claim that user_claim names',
      named: { doctor: /token of prod: .*not have the claim "email".*user_claim/s },
      exit: 0,
      build: (world) => withToken(world, {}, { provider: { user_claim: 'email' } }),
    },
    {
      fault: 'A tool rule names a tool that is not there',
      named: {
        doctor: /tool rules of prod: resource\[0\]\.allow\[0\]\.tools names "namespace_list"/,
      },
      exit: 0,
      build: (world) =>
        withToken(world, {}, { resource: { allow: [{ tools: ['namespace_list'] }] } }),
    },
    {
      fault: 'The API server does not take the token that rolecall takes',
      named: { doctor: /API server: It does not take this token \(401\).*issuer and audience/s },
      build: async (world) =>
        withToken(world, {}, { argv: ['--api-server', await apiServer(world, 401)] }),
    },
    {
      fault: 'What is named as API server is none',
      named: { doctor: /API server: .*no SelfSubjectReview.*--api-server/s },
      exit: 0,
      build: async (world) =>
        withToken(world, {}, { argv: ['--api-server', await apiServer(world, 404)] }),
    },
  ],
}
