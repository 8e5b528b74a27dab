import type { AddressInfo } from 'node:net'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { z } from 'zod'
import type { Answer } from './answer.ts'
import { type Backend, type BackendOptions, createBackend } from './backend.ts'
import {
  type BrowserSession,
  type BrowserSessions,
  createBrowserSessions,
} from './browser-sessions.ts'
import { addPageFiles, PAGE_HEADERS } from './page-files.ts'

export interface RobustaOptions extends BackendOptions {
  /** On 127.0.0.1; 0 or absent: any free one. */
  readonly port?: number
  /** PEM; absent: plain http. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** The origins under which browsers reach it; absent: localhost and 127.0.0.1 at its port. */
  readonly publicOrigins?: readonly string[]
}

/** The running page. */
export interface Robusta {
  /** The first of its public origins. */
  readonly origin: string
  /** Where it listens on 127.0.0.1. */
  readonly port: number
  close(): Promise<void>
}

/**
 * Starts a web UI that signs people in as the Robusta UI does, with the part of HolmesGPT behind it
 * that needs their tokens: the page opens a popup at the identity provider, `/oauth/callback.html`
 * hands the code back, and the backend redeems it and calls tools. On loopback, for the demo and
 * tests.
 */
export async function startRobusta(options: RobustaOptions): Promise<Robusta> {
  const { tls } = options
  const common = { forceCloseConnections: true, bodyLimit: 16 * 1024 } as const
  const app: FastifyInstance = tls
    ? fastify({ ...common, https: { cert: tls.certificate, key: tls.key } })
    : fastify(common)
  const origins: string[] = []
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(PAGE_HEADERS)
    await checkOrigin(request, reply, origins)
  })
  addPageFiles(app)
  addApi(app, origins, { backend: createBackend(options), sessions: createBrowserSessions() })
  await app.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  const { port } = app.server.address() as AddressInfo
  const local = ['localhost', '127.0.0.1'].map((host) => `http://${host}:${port}`)
  origins.push(...(options.publicOrigins ?? local))
  return { origin: origins[0] ?? '', port, close: () => app.close() }
}

/** Only under its own names, and what changes something only from its own pages. */
async function checkOrigin(
  request: FastifyRequest,
  reply: FastifyReply,
  origins: readonly string[],
): Promise<void> {
  const own = publicOrigin(request, origins)
  if (own === undefined) {
    await reply.code(421).send({ error: `this page is reached at ${origins.join(' or ')}` })
  } else if (request.method !== 'GET' && request.headers.origin !== own) {
    await reply.code(403).send({ error: 'only the page itself may ask this' })
  }
}

function publicOrigin(request: FastifyRequest, origins: readonly string[]): string | undefined {
  const host = request.headers.host?.toLowerCase()
  return origins.find((origin) => new URL(origin).host === host)
}

interface Api {
  readonly backend: Backend
  readonly sessions: BrowserSessions
}

const connectSchema = z.strictObject({ sendsResource: z.boolean(), picksAccount: z.boolean() })
const text = z.string().max(8000)
const callbackSchema = z.strictObject({
  state: text,
  code: text.optional(),
  error: text.optional(),
  errorDescription: text.optional(),
})

function addApi(app: FastifyInstance, origins: readonly string[], api: Api): void {
  const { backend } = api
  const post = (
    path: string,
    run: (session: BrowserSession, request: FastifyRequest) => Promise<Answer>,
  ): void => {
    app.post(path, async (request, reply) => run(sessionOf(request, reply, api.sessions), request))
  }
  app.setErrorHandler(async (error, _request, reply) => {
    const isMalformed = error instanceof z.ZodError
    const status = error instanceof Error && 'statusCode' in error ? error.statusCode : 500
    await reply.code(isMalformed ? 400 : Number(status)).send({ error: 'this cannot be answered' })
  })
  post('/api/connect', async (session, request) => {
    const wanted = connectSchema.parse(request.body)
    const redirectUri = `${publicOrigin(request, origins)}/oauth/callback.html`
    return backend.connect(session, { redirectUri, ...wanted })
  })
  post('/api/oauth/callback', async (session, request) =>
    backend.callback(session, callbackSchema.parse(request.body)),
  )
  post('/api/look', (session) => backend.look(session))
  post('/api/refresh', (session) => backend.refresh(session))
  post('/api/disconnect', (session) => backend.disconnect(session))
  app.get('/api/session', async (request, reply) =>
    backend.show(sessionOf(request, reply, api.sessions)),
  )
}

function sessionOf(
  request: FastifyRequest,
  reply: FastifyReply,
  sessions: BrowserSessions,
): BrowserSession {
  const known = sessions.find(request.headers.cookie)
  if (known) return known
  const { session, cookie } = sessions.begin(request.protocol === 'https')
  reply.header('set-cookie', cookie)
  return session
}
