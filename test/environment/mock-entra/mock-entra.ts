import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { ZodError, z } from 'zod'
import { type Clock, systemClock } from '../../../src/clock.ts'
import { type People, type Person, readPeople } from '../people.ts'
import { addControlRoutes, ControlProblem, mayControl } from './control-routes.ts'
import { controlsOf, type MockControls } from './controls.ts'
import {
  type ApiResource,
  type Client,
  defaultResources,
  defaultTenantId,
  holmes,
  publicClient,
  rolecallApp,
} from './directory.ts'
import { EntraError, errorBody } from './errors.ts'
import { addGraphRoutes } from './graph.ts'
import { sendErrorPage } from './pages.ts'
import { addBrowserRoutes, addDocumentRoutes, addTokenRoute } from './routes.ts'
import { createFirstKeys, createSigningKeys, type FirstKeys } from './signing-keys.ts'
import { type MockState, noFaults, nowOf } from './state.ts'

export interface MockEntraOptions {
  /** On 127.0.0.1; 0 or absent: any free one. */
  readonly port?: number
  /** PEM; absent: plain http. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  readonly tenantId?: string
  /** Absent: those of people.json. */
  readonly people?: People
  /** Absent: `holmes`, `rolecall` and a public client. */
  readonly clients?: readonly Client[]
  readonly resources?: readonly ApiResource[]
  readonly clock?: Clock
  /** Absent: new ones. */
  readonly firstKeys?: FirstKeys
  /** Seconds for which tokens are good; absent: random, 60 to 90 minutes, as Entra's. */
  readonly lifetime?: number
  /**
   * Whether whoever is signed in in a browser is asked again which account it shall be, as Entra does
   * where it knows several. Default: only where the request says so.
   */
  readonly asksAgain?: boolean
  /** What the page says of a person's rights. Default: the groups. */
  readonly rightsOf?: (person: Person) => string
}

/** A running mock. */
export interface MockEntra extends MockControls {
  /** `http://127.0.0.1:<port>`, or https; what `authority` is in the configuration. */
  readonly origin: string
  readonly tenantId: string
  readonly people: People
  readonly clients: readonly Client[]
  /** Ends every connection, too. */
  close(): Promise<void>
}

/**
 * Starts a mock of Microsoft Entra ID on loopback: its documents, tokens, errors and quirks, for one
 * tenant. Never for production: anybody who reaches it is whoever they say. Its key sets carry
 * `"rolecall_mock_idp": true`.
 */
export async function startMockEntra(options: MockEntraOptions = {}): Promise<MockEntra> {
  const state = await createState(options)
  const controls = controlsOf(state)
  const app = createServer(options.tls)
  app.removeAllContentTypeParsers()
  addParsers(app)
  addFaultHooks(app, state)
  app.setErrorHandler((error, request, reply) => sendError(error, { state, request, reply }))
  app.setNotFoundHandler((_request, reply) => reply.code(404).send())
  addDocumentRoutes(app, state)
  addBrowserRoutes(app, state)
  addTokenRoute(app, state)
  addGraphRoutes(app, state)
  addControlRoutes(app, controls)
  state.origin = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  const { origin, tenantId, people } = state
  return {
    ...controls,
    origin,
    tenantId,
    people,
    get clients() {
      return state.clients
    },
    close: () => app.close(),
  }
}

async function createState(options: MockEntraOptions): Promise<MockState> {
  const people = options.people ?? (await readPeople())
  return {
    origin: '',
    tenantId: options.tenantId ?? defaultTenantId,
    people,
    clients: options.clients ?? [holmes, rolecallApp, publicClient],
    resources: options.resources ?? defaultResources,
    clock: options.clock ?? systemClock,
    lifetime: options.lifetime,
    keys: createSigningKeys(options.firstKeys ?? (await createFirstKeys())),
    codes: new Map(),
    redeemed: new Set(),
    refreshTokens: new Map(),
    revoked: new Set(),
    disabled: new Set(),
    requests: new Map(),
    faults: noFaults(),
    signedInAs: undefined,
    asksAgain: options.asksAgain ?? false,
    rightsOf: options.rightsOf ?? ((person) => groupsOf(person, people)),
  }
}

function groupsOf({ groups }: Person, people: People): string {
  const names = people.groups.filter(({ id }) => groups.includes(id)).map(({ name }) => name)
  return names.length === 0 ? 'in no group' : `in ${names.join(', ')}`
}

function createServer(tls: MockEntraOptions['tls']): FastifyInstance {
  const common = { forceCloseConnections: true, bodyLimit: 256 * 1024 } as const
  if (!tls) return fastify(common)
  return fastify({ ...common, https: { cert: tls.certificate, key: tls.key } })
}

/** Forms stay text, so that a repeated parameter can be seen. */
function addParsers(app: FastifyInstance): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, body),
  )
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error'),
  )
}

function addFaultHooks(app: FastifyInstance, state: MockState): void {
  const { faults } = state
  app.addHook('onRequest', async (request, reply) => {
    const path = pathOf(request)
    if (isControl(path)) {
      if (!mayControl(request)) await reply.code(403).send()
      return
    }
    state.requests.set(path, (state.requests.get(path) ?? 0) + 1)
    if (faults.delay > 0) {
      await new Promise<void>((resolve) => {
        state.clock.after(faults.delay, resolve)
      })
    }
    if (faults.outage === 'reset') {
      reply.hijack()
      request.raw.socket.destroy()
    } else if (faults.outage === '503') {
      await reply.code(503).send()
    } else {
      await sendFixedAnswer(state, path, reply)
    }
  })
}

async function sendFixedAnswer(state: MockState, path: string, reply: FastifyReply): Promise<void> {
  const fixed = state.faults.answers.get(path)
  if (!fixed) return
  await reply
    .code(fixed.status ?? 200)
    .headers({ 'content-type': 'application/json', ...fixed.headers })
    .send(fixed.body ?? '')
}

interface Exchange {
  readonly state: MockState
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

async function sendError(error: unknown, { state, request, reply }: Exchange): Promise<void> {
  const path = pathOf(request)
  if (isControl(path)) {
    await reply.code(statusOf(error)).send({ error: describe(error) })
    return
  }
  const refusal = error instanceof EntraError ? error : asEntraError(error)
  const status = error instanceof EntraError ? error.status : statusOf(error)
  const body = errorBody(refusal, state.origin, nowOf(state))
  reply.header('x-ms-clitelem', `1,${refusal.code},0,,`).header('cache-control', 'no-store')
  if (/\/(authorize|login|logout)$/.test(path)) await sendErrorPage(reply, status, body)
  else await reply.code(status).send(body)
}

/** What Fastify refuses before we see it: too long, or not a form. */
function asEntraError(error: unknown): EntraError {
  const status = statusOf(error)
  if (status >= 500) return new EntraError(90033)
  if (status === 413) return new EntraError(90015)
  return new EntraError(900144, { parameter: 'grant_type' })
}

function statusOf(error: unknown): number {
  if (error instanceof ZodError || error instanceof ControlProblem) return 400
  if (error instanceof EntraError) return error.status
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : 500
  return typeof status === 'number' ? status : 500
}

function describe(error: unknown): string {
  if (error instanceof ZodError) return z.prettifyError(error)
  return error instanceof Error ? error.message : 'unknown'
}

function isControl(path: string): boolean {
  return path === '/_mock' || path.startsWith('/_mock/')
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? ''
}
