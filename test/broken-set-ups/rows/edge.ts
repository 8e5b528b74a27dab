import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrokenSetUp, FaultGroup, SetUp } from '../set-up.ts'
import type { World } from '../world.ts'

/** What an ingress does with a request, or nothing: it is passed on. */
type Answer = (request: IncomingMessage, response: ServerResponse) => boolean

interface IngressOptions {
  readonly answer?: Answer
  /** The Host that is passed on in place of the one that came. */
  readonly host?: string
  /** Bytes of headers that it takes. */
  readonly headerBytes?: number
}

/** A broker behind an ingress of this process. */
export async function behind(world: World, options: IngressOptions): Promise<SetUp> {
  const entra = await world.entra()
  const port = await world.port()
  const ingress = await startIngress(world, port, options)
  world.call(`http://localhost:${ingress}`, 'https://mcp.example.com')
  const top = { public_url: `http://localhost:${ingress}`, listen: `127.0.0.1:${port}` }
  return { file: await world.broker(entra, { top }) }
}

async function startIngress(
  world: World,
  port: number,
  { answer = () => false, host, headerBytes = 32_768 }: IngressOptions,
): Promise<number> {
  const server = createServer({ maxHeaderSize: headerBytes }, (request, response) => {
    if (answer(request, response)) return
    const { method, url: path, headers } = request
    const passed = host === undefined ? headers : { ...headers, host }
    const options = { port, host: '127.0.0.1', method, path, headers: passed }
    const onward = send(options, (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers)
      answered.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  world.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const page: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome to nginx!</html>')
  return true
}

function only(paths: RegExp, answer: (response: ServerResponse) => void): Answer {
  return (request, response) => {
    const meant = paths.test(request.url ?? '')
    if (meant) answer(response)
    return meant
  }
}

function row(
  fault: string,
  doctor: RegExp,
  options: IngressOptions,
  over: Partial<BrokenSetUp> = {},
): BrokenSetUp {
  return { fault, named: { doctor }, build: (world) => behind(world, options), ...over }
}

/** What stands between clients and rolecall. */
export const edgeFaults: FaultGroup = {
  title: 'public_url and the ingress',
  rows: [
    row(
      'public_url leads to another program',
      /public_url of prod: .*describes something else.*DNS and ingress/s,
      { answer: page },
    ),
    row(
      'The ingress passes on the path of the resource alone',
      /public_url of prod: .*answers 404.*\/\.well-known, \/oauth/s,
      { answer: only(/^\/(\.well-known|oauth)/, (response) => response.writeHead(404).end()) },
    ),
    row(
      'The ingress finds no pod',
      /public_url of prod: .*answers 503.*Service and port/s,
      { answer: only(/./, (response) => response.writeHead(503).end()) },
      { exit: 0 },
    ),
    row(
      'The ingress wants a sign-in of its own',
      /public_url of prod: .*answers 302, a redirect to https:\/\/sso.*without a sign-in/s,
      {
        answer: only(/./, (response) =>
          response.writeHead(302, { location: 'https://sso.example.com/start' }).end(),
        ),
      },
    ),
    row(
      'The ingress asks for a sign-in at the resource alone',
      /ingress of prod: .*answered 401 before rolecall.*sign-in or firewall/s,
      {
        answer: only(/^\/mcp/, (response) =>
          response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
        ),
      },
    ),
    row('A firewall refuses POST', /ingress of prod: .*answered 403 before rolecall/s, {
      answer: only(/^\/mcp/, (response) => response.writeHead(403).end('<html>Blocked</html>')),
    }),
    row(
      'The ingress rewrites Host',
      /ingress of prod: .*421: the ingress passes on another Host.*internal_hosts/s,
      { host: 'rolecall.mcp.svc.cluster.local:8080' },
    ),
    row(
      'The ingress takes short headers only',
      /ingress of prod: .*7300 characters.*answers 431.*large-client-header-buffers/s,
      { headerBytes: 4_096 },
      { exit: 0 },
    ),
    {
      fault: 'rolecall does not run',
      named: { doctor: /public_url of prod: Nothing listens.*Start rolecall/s },
      exit: 0,
      async build(world) {
        return { file: await world.relay(await world.entra()), notServed: true }
      },
    },
  ],
}
