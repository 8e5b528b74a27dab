import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config/config.ts'
import { ErrorAnswer } from '../oauth/error-answer.ts'
import type { Broker } from '../sign-in/broker.ts'
import type { BrowserAnswer } from '../sign-in/browser-answer.ts'
import { invalidRequest } from '../sign-in/token-error.ts'
import { queryOf } from './arrival.ts'
import { type CookieJar, cookieJar } from './browser-cookies.ts'
import { hostHook } from './host.ts'
import { methodHook } from './not-found.ts'
import { sendPage } from './pages/send-page.ts'
import { tokenInQuery } from './token-in-query.ts'

const ANY_METHOD = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const FORM_BYTES = 16_384

/** Authorize and callback: what a person's browser visits. Answers are redirects and pages. */
export function browserRoutes(broker: Broker, config: Config) {
  const jar = cookieJar(config.public_url)
  return async (scope: FastifyInstance): Promise<void> => {
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: FORM_BYTES },
      (_request, body, done) => done(null, body),
    )
    scope.addHook('onRequest', hostHook(config))
    scope.addHook('onRequest', tokenInQuery)
    for (const [index, { authorize }] of broker.resources.entries()) {
      scope.route({
        url: new URL(authorize).pathname,
        method: ANY_METHOD,
        onRequest: [methodHook(['GET', 'POST']), sameOrigin(config)],
        handler: (request, reply) =>
          answer(request, reply, jar, (visit) =>
            request.method === 'POST'
              ? broker.decide(formOf(request), { ...visit, index })
              : broker.authorize(queryOf(request), { ...visit, index }),
          ),
      })
    }
    scope.route({
      url: '/oauth/callback',
      method: ANY_METHOD,
      onRequest: methodHook(['GET']),
      handler: (request, reply) =>
        answer(request, reply, jar, ({ cookies }) => broker.callback(queryOf(request), cookies)),
    })
  }
}

interface BrowserVisit {
  readonly cookies: ReturnType<CookieJar['read']>
  readonly byPerson: boolean
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  jar: CookieJar,
  ask: (visit: BrowserVisit) => Promise<BrowserAnswer>,
): Promise<FastifyReply> {
  const cookies = jar.read(request.headers.cookie)
  try {
    const given = await ask({ cookies, byPerson: isByPerson(request) })
    request.record.decision = given.log.decision
    request.record.reason = given.log.reason
    for (const line of jar.write(given.cookies, cookies)) reply.header('set-cookie', line)
    if (given.kind === 'redirect') {
      const headers = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }
      return reply.code(303).headers(headers).header('location', given.location).send()
    }
    return sendPage(reply, given.page, { status: given.status, requestId: request.id })
  } catch (error) {
    if (!(error instanceof ErrorAnswer)) throw error
    request.record.decision = error.status >= 500 ? 'unavailable' : 'refuse'
    request.record.reason = error.reason
    reply.headers(error.headers)
    const page = { kind: 'refused', description: error.message } as const
    return sendPage(reply, page, { status: error.status, requestId: request.id })
  }
}

/** Browsers tell what a click set off (Fetch Metadata); those that do not are older than that. */
function isByPerson({ headers }: FastifyRequest): boolean {
  return headers['sec-fetch-mode'] === undefined || headers['sec-fetch-user'] === '?1'
}

/** A form of another page must not answer for the person. Navigations carry no Origin. */
function sameOrigin({ public_url: own }: Config) {
  return (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    const { origin } = request.headers
    if (origin === undefined || origin === own) done()
    else {
      const description = 'This can be answered on our own page only.'
      done(new ErrorAnswer({ status: 403, error: 'origin_not_allowed', description }))
    }
  }
}

function formOf(request: FastifyRequest): ReadonlyMap<string, string> {
  if (typeof request.body !== 'string') {
    throw invalidRequest('The answer is a form: application/x-www-form-urlencoded.')
  }
  const form = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(request.body)) {
    if (form.has(name)) throw invalidRequest('A parameter of the form is there twice.')
    form.set(name, value)
  }
  return form
}
