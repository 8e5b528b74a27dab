import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAuthority, loopbackNames } from '../../environment/certificates.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { failure, listing, type Script, status, success } from '../../support/scripted-mcp.ts'
import type { BrokenSetUp, FaultGroup } from '../set-up.ts'
import type { World } from '../world.ts'
import { realServer } from './real-server.ts'

type Resource = Readonly<Record<string, unknown>>

function row(
  fault: string,
  doctor: RegExp,
  resource: (world: World) => Promise<Resource>,
  over: Partial<BrokenSetUp> = {},
): BrokenSetUp {
  return {
    fault,
    named: { doctor },
    async build(world) {
      const entra = await world.entra()
      return { file: await world.relay(entra, { resource: await resource(world) }) }
    },
    ...over,
  }
}

/** What answers everything alike in place of the MCP server. */
async function answering(
  world: World,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  path = '/mcp',
): Promise<Resource> {
  const server = await startUpstream(world)
  server.answerWith(answer)
  const { origin, host } = new URL(server.url)
  world.call(origin, 'http://kubernetes-mcp-server:8080')
  world.call(host, 'kubernetes-mcp-server:8080')
  return { upstream: origin + path }
}

const scripted = async (world: World, script: Script): Promise<Resource> => {
  return { upstream: await world.upstream(script) }
}

const page =
  (code: number, text: string) => (_request: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(code, { 'content-type': 'text/html' }).end(`<!doctype html>${text}`)

const text =
  (code: number, body: string) => (_request: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(code, { 'content-type': 'text/plain' }).end(body)

const redirect = (location: string) => (_request: IncomingMessage, response: ServerResponse) =>
  void response.writeHead(307, { location }).end()

/** MCP servers, and what stands in front of them. */
export const upstreamFaults: FaultGroup = {
  title: 'The MCP server',
  rows: [
    row(
      'It has a credential of its own, and uses it for everybody',
      /upstream identity of prod: It acts as itself.*require_oauth = true/s,
      (world) => scripted(world, { call: () => success }),
    ),
    row(
      'It has a ServiceAccount of its own where a call has no token',
      /upstream identity of prod: It acts as itself where a call has no token/,
      (world) =>
        scripted(world, { call: (token) => (token ? failure('provide credentials') : success) }),
    ),
    row(
      'kubernetes-mcp-server with a kubeconfig that has a credential',
      /upstream identity of prod: It acts as itself.*kubeconfig without credentials/s,
      (world) => realServer(world, { ownCredential: true }),
    ),
    row(
      'It checks tokens by itself',
      /upstream identity of prod: .*401 before any tool is called.*skip_jwt_verification = true/s,
      (world) => scripted(world, { initialize: status(401, { 'www-authenticate': 'Bearer' }) }),
      { exit: 0 },
    ),
    row(
      'probe_tool names a tool that is not there',
      /upstream identity of prod: .*does not list probe_tool.*probe_tool/s,
      async (world) => ({ ...(await scripted(world, {})), probe_tool: 'pods_lst' }),
      { exit: 0 },
    ),
    row(
      'It lists no tool at all',
      /upstream identity of prod: .*lists no tool.*probe_tool/s,
      (world) => scripted(world, { list: listing() }),
      { exit: 0 },
    ),
    row(
      'A slash at the end of its URL',
      /upstream identity of prod: .*no MCP endpoint at \/mcp\/.*\d\/mcp"/s,
      (world) => answering(world, text(404, 'not found'), '/mcp/'),
    ),
    row(
      'It redirects to its path with a slash',
      /upstream identity of prod: .*redirects to .*\/mcp\/.*Write upstream = /s,
      (world) => answering(world, redirect('/mcp/')),
    ),
    row(
      'The path of the older transport, /sse',
      /upstream identity of prod: .*no MCP endpoint at \/sse.*older transport/s,
      (world) => answering(world, text(405, 'Method Not Allowed'), '/sse'),
    ),
    row(
      'A web page answers there',
      /upstream identity of prod: .*a web page.*`upstream`/s,
      (world) => answering(world, page(200, '<title>Dashboard</title>')),
    ),
    row(
      'It takes other Hosts only',
      /upstream identity of prod: .*does not take the Host.*allow the host/s,
      (world) => answering(world, text(421, 'Invalid Host header')),
    ),
    row(
      'A proxy with a sign-in stands in front of it',
      /upstream identity of prod: .*sign-in of its own.*past the proxy/s,
      (world) => answering(world, redirect('https://sso.example.com/oauth2/start')),
    ),
    row(
      'It wants a password of its own',
      /upstream identity of prod: .*wants basic.*lead past it/s,
      (world) =>
        answering(world, (_request, response) => {
          response.writeHead(401, { 'www-authenticate': 'Basic realm="mcp"' }).end()
        }),
    ),
    row(
      'Its proxy finds no server behind',
      /upstream identity of prod: .*a proxy answers 503.*runs and is ready/s,
      (world) => answering(world, page(503, '503 Service Temporarily Unavailable')),
    ),
    row(
      'Nothing listens there',
      /upstream connection of prod: It cannot be reached \(ECONNREFUSED\).*name and port/s,
      async (world) => {
        const origin = `http://127.0.0.1:${await world.port()}`
        world.call(origin, 'http://kubernetes-mcp-server:8080')
        return { upstream: `${origin}/mcp` }
      },
    ),
    row(
      'It speaks TLS, and http is written',
      /upstream identity of prod: .*write https/s,
      async (world) => ({ upstream: (await secured(world)).url.replace('https:', 'http:') }),
    ),
    row(
      'It speaks http, and https is written',
      /upstream connection of prod: .*speaks no TLS.*Write http:/s,
      async (world) => {
        const url = await world.upstream()
        return { upstream: url.replace('http:', 'https:') }
      },
    ),
    row(
      'The authority of its certificate is not known',
      /upstream connection of prod: TLS failed.*upstream_certificate_authority_file/s,
      async (world) => ({ upstream: (await secured(world)).url }),
    ),
    row(
      'Its certificate is for another name',
      /upstream connection of prod: .*another name.*host name/s,
      async (world) => {
        const { url, authority } = await secured(world, ['kms.example.com'])
        const file = world.file('ca.crt', authority)
        return { upstream: url, upstream_certificate_authority_file: file }
      },
    ),
    row(
      'It is configured to act as itself',
      /upstream_identity = "own"/,
      async (world) => ({
        ...(await scripted(world, {})),
        upstream_identity: 'own',
        unsafe_upstream_identity: true,
      }),
      {
        named: {
          check: /its own rights for every user/,
          doctor: /identity of prod: It acts as itself, as upstream_identity/,
        },
        exit: 0,
      },
    ),
  ],
}

async function secured(world: World, names: readonly string[] = loopbackNames) {
  const authority = await createAuthority('Authority of the cluster')
  const server = await startUpstream(world, await authority.issue({ names }))
  await (server.server.listening || once(server.server, 'listening'))
  const { port } = server.server.address() as AddressInfo
  world.call(`localhost:${port}`, 'kubernetes-mcp-server:8080')
  return { url: server.url, authority: authority.certificate }
}
