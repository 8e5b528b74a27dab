import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { authorize } from './authorize.ts'
import { keySet, v1Document, v2Document } from './documents.ts'
import { EntraError } from './errors.ts'
import { sendNotice } from './pages.ts'
import { readParameters, readQuery } from './parameters.ts'
import type { MockState } from './state.ts'
import { answerTokenRequest } from './token-endpoint.ts'

interface TenantRoute {
  Params: { tenant: string }
}

const sessionCookie = 'mock-entra-session'

/** Discovery and keys, for the tenant and for `common` and `organizations`. */
export function addDocumentRoutes(app: FastifyInstance, state: MockState): void {
  const place = (tenant: string) => ({ origin: state.origin, tenant })
  const issuer = () => (state.faults.issuer === undefined ? {} : { issuer: state.faults.issuer })
  app.get<TenantRoute>('/:tenant/v2.0/.well-known/openid-configuration', async (request, reply) => {
    const tenant = knownTenant(state, request.params.tenant)
    return sendDocument(reply, { ...v2Document(place(tenant)), ...issuer() })
  })
  app.get<TenantRoute>('/:tenant/.well-known/openid-configuration', async (request, reply) => {
    const tenant = knownTenant(state, request.params.tenant)
    return sendDocument(reply, { ...v1Document(place(tenant)), ...issuer() })
  })
  for (const [path, version] of [
    ['/:tenant/discovery/v2.0/keys', 2],
    ['/:tenant/discovery/keys', 1],
  ] as const) {
    app.get<TenantRoute>(path, async (request, reply) => {
      knownTenant(state, request.params.tenant)
      return sendKeys(reply, state, version)
    })
  }
  app.get('/.well-known/oauth-authorization-server*', async (_request, reply) => {
    return reply.code(state.faults.rfc8414 === 'empty' ? 200 : 404).send()
  })
}

function sendDocument(reply: FastifyReply, document: object): FastifyReply {
  return reply
    .header('cache-control', 'max-age=86400, private')
    .header('access-control-allow-origin', '*')
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(document))
}

function sendKeys(reply: FastifyReply, state: MockState, version: 1 | 2): FastifyReply {
  const { keysCacheControl } = state.faults
  if (keysCacheControl !== undefined) reply.header('cache-control', keysCacheControl)
  return reply
    .header('access-control-allow-origin', '*')
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(keySet(version, state.origin, state.keys.published())))
}

/** @throws EntraError 90002 for another tenant */
function knownTenant(state: MockState, tenant: string): string {
  if ([state.tenantId, 'common', 'organizations'].includes(tenant)) return tenant
  throw new EntraError(90002, { tenant: tenant.slice(0, 100) })
}

/** The clients here belong to one tenant, so `common` is not for them. */
function ownTenant(state: MockState, tenant: string): void {
  if (knownTenant(state, tenant) !== state.tenantId) throw new EntraError(50194)
}

/** Authorize, the page's form, and logout: what a browser visits. */
export function addBrowserRoutes(app: FastifyInstance, state: MockState): void {
  app.get<TenantRoute>('/:tenant/oauth2/v2.0/authorize', async (request, reply) => {
    ownTenant(state, request.params.tenant)
    await authorize(state, reply, request.url, { username: readSession(request) })
    return reply
  })
  app.post<TenantRoute>('/:tenant/login', async (request, reply) => {
    ownTenant(state, request.params.tenant)
    const form = new URLSearchParams(formOf(request))
    const picked = form.get('username') ?? ''
    if (/^[a-z0-9._-]+$/.test(picked)) reply.header('set-cookie', sessionOf(state, picked))
    const query = `?${form.get('query') ?? ''}`
    await authorize(state, reply, query, { username: readSession(request), picked })
    return reply
  })
  app.get<TenantRoute>('/:tenant/oauth2/v2.0/logout', async (request, reply) => {
    ownTenant(state, request.params.tenant)
    reply.header('set-cookie', `${sessionOf(state, '')}; Max-Age=0`)
    const target = readQuery(request.url).get('post_logout_redirect_uri')
    const registered = state.clients.flatMap((client) => client.post_logout_redirect_uris ?? [])
    if (target !== undefined && registered.includes(target)) return reply.redirect(target, 302)
    await sendNotice(reply, 'You signed out of your account')
    return reply
  })
}

/** The token endpoint. */
export function addTokenRoute(app: FastifyInstance, state: MockState): void {
  app.post<TenantRoute>('/:tenant/oauth2/v2.0/token', async (request, reply) => {
    ownTenant(state, request.params.tenant)
    const { authorization, origin } = request.headers
    const parameters = readParameters(formOf(request))
    const answer = await answerTokenRequest(state, { parameters, authorization, origin })
    return reply
      .header('cache-control', 'no-store, no-cache')
      .header('pragma', 'no-cache')
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(answer))
  })
}

/** Absent for any other media type: Entra then misses the first parameter. */
function formOf(request: FastifyRequest): string {
  return typeof request.body === 'string' ? request.body : ''
}

function sessionOf(state: MockState, username: string): string {
  const secure = state.origin.startsWith('https:') ? '; Secure' : ''
  return `${sessionCookie}=${username}; Path=/; HttpOnly; SameSite=Lax${secure}`
}

function readSession(request: FastifyRequest): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  const start = `${sessionCookie}=`
  return pairs.find((pair) => pair.startsWith(start))?.slice(start.length) || undefined
}
