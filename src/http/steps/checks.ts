import type { FastifyInstance } from 'fastify'
import type { Config } from '../../config/config.ts'
import { type Guard, guardHook } from './bearer-guard.ts'
import { type Callers, cors, openDocument } from './cors.ts'
import { oneAuthorization, oneOfEachParameter } from './duplicates.ts'
import { exactPath, orWithSlash } from './exact-path.ts'
import { ownWindow } from './fetch-metadata.ts'
import { ownHost } from './host.ts'
import { takesMethods } from './method.ts'
import type { AddressLimits } from './rate-limit.ts'
import type { Hook } from './step.ts'
import { tokenInQuery } from './token-in-query.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whose checks a route's requests meet. A route without it is refused at start. */
    endpoint?: Endpoint
  }
}

/** The endpoints of the public listener: the columns of `CHECKS`. */
const ENDPOINTS = [
  'resource',
  'whoami',
  'token',
  'revoke',
  'register',
  'authorize',
  'callback',
  'popup',
  'popupModule',
  'metadata',
  'home',
] as const

type EndpointName = (typeof ENDPOINTS)[number]

/** An endpoint at its address. */
export type Endpoint = {
  readonly path: string
} & (
  | { readonly name: Exclude<EndpointName, 'resource'> }
  | { readonly name: 'resource'; readonly resource: string; readonly guard: Guard }
)

/** What each endpoint takes. OPTIONS, where it is, is answered by CORS. */
export const METHODS = {
  resource: ['POST', 'GET', 'DELETE', 'OPTIONS'],
  whoami: ['GET', 'OPTIONS'],
  token: ['POST', 'OPTIONS'],
  revoke: ['POST', 'OPTIONS'],
  register: ['POST', 'OPTIONS'],
  authorize: ['GET', 'POST'],
  callback: ['GET'],
  popup: ['GET'],
  popupModule: ['GET', 'OPTIONS'],
  metadata: ['GET', 'HEAD', 'OPTIONS'],
  home: ['GET', 'HEAD'],
} as const satisfies Record<EndpointName, readonly string[]>

type HookedLimit = 'clients' | 'begins' | 'returns'

/** What the checks work with beside the endpoint. */
export interface CheckParts {
  readonly config: Config
  readonly rateLimits: Pick<AddressLimits, HookedLimit>
}

type Make<Cell> = (endpoint: Endpoint, parts: CheckParts, cell: Cell) => Hook
type Check = (endpoint: Endpoint, parts: CheckParts) => readonly Hook[]
type Columns<Names extends readonly string[], Cell> = { readonly [K in keyof Names]: Cell | null }
/** One for each endpoint, or it does not compile. */
type Cells<Cell> = Columns<typeof ENDPOINTS, Cell>

const X = true
const _: null = null

/**
 * Every check of a request to the public listener, once, in the order in which requests meet them,
 * with the endpoints that it holds for. Routes get their hooks from here alone (`checkEveryRoute`).
 * Before these, also for requests that meet no route: the request's record, and `refuseAmbiguous`.
 *
 * `whoami` reads its bearer itself, since it asks every resource. What is in a form (`token`,
 * `revoke`, `authorize`) is judged where the form is read: repeated parameters, tokens, credentials, and
 * at `token` the rate of codes.
 */
// biome-ignore format: a column for each endpoint
const CHECKS: readonly Check[] = [
  //                      resource   whoami     token      revoke     register   authorize  callback   popup      module     metadata   home
  check(pathIsExact,     ['or /',    X,         X,         X,         X,         X,         X,         X,         X,         _,         _]),
  check(nameResource,    [X,         _,         _,         _,         _,         _,         _,         _,         _,         _,         _]),
  check(hostIsOurs,      [X,         X,         X,         X,         X,         X,         X,         X,         X,         _,         _]),
  check(noTokenInQuery,  [X,         X,         _,         _,         X,         X,         X,         X,         X,         _,         _]),
  check(oneCredential,   [_,         _,         _,         _,         X,         X,         X,         X,         X,         _,         _]),
  check(originMayAsk,    ['calls',   'calls',   'signIns', 'signIns', 'signIns', _,         _,         _,         'popups',  'anyone',  _]),
  check(methodIsTaken,   [X,         X,         X,         X,         X,         X,         X,         X,         X,         X,         X]),
  check(parametersOnce,  [_,         X,         _,         _,         X,         _,         _,         _,         X,         _,         _]),
  check(windowIsOwn,     [_,         _,         _,         _,         _,         X,         X,         X,         _,         _,         _]),
  check(notTooOften,     [_,         _,         _,         _,         'clients', 'begins',  'returns', _,         _,         _,         _]),
  check(bearerMayPass,   [X,         _,         _,         _,         _,         _,         _,         _,         _,         _,         _]),
]

/**
 * Gives every route of an app its checks, and refuses to start with one that is not in the table or
 * brings hooks of its own.
 */
export function checkEveryRoute(app: FastifyInstance, parts: CheckParts): void {
  app.addHook('onRoute', (route) => {
    const endpoint = route.config?.endpoint
    if (endpoint === undefined || route.onRequest !== undefined) {
      throw new Error(`The checks of ${route.url} are not those of steps/checks.ts.`)
    }
    route.onRequest = CHECKS.flatMap((hooksOf) => hooksOf(endpoint, parts))
  })
}

function check<Cell>(make: Make<Cell>, cells: Cells<Cell>): Check {
  return (endpoint, parts) => {
    const cell = cells[ENDPOINTS.indexOf(endpoint.name)] ?? null
    return cell === null ? [] : [make(endpoint, parts, cell)]
  }
}

function pathIsExact({ path }: Endpoint, { config }: CheckParts, cell: typeof X | 'or /'): Hook {
  return exactPath(cell === 'or /' ? orWithSlash(path) : [path], config)
}

/** From here on the log and the metrics tell which resource it was. */
function nameResource(endpoint: Endpoint): Hook {
  return ({ record }, _reply, done) => {
    if (endpoint.name === 'resource') record.resource = endpoint.resource
    done()
  }
}

function hostIsOurs(_endpoint: Endpoint, { config }: CheckParts): Hook {
  return ownHost(config)
}

function noTokenInQuery(): Hook {
  return tokenInQuery
}

function oneCredential(): Hook {
  return oneAuthorization
}

function originMayAsk(endpoint: Endpoint, { config }: CheckParts, cell: Callers | 'anyone'): Hook {
  const methods = METHODS[endpoint.name]
  return cell === 'anyone' ? openDocument(methods) : cors(cell, config, methods)
}

function methodIsTaken(endpoint: Endpoint): Hook {
  return takesMethods(METHODS[endpoint.name])
}

function parametersOnce(): Hook {
  return oneOfEachParameter
}

function windowIsOwn(_endpoint: Endpoint, { config }: CheckParts): Hook {
  return ownWindow(config)
}

function notTooOften(_endpoint: Endpoint, { rateLimits }: CheckParts, cell: HookedLimit): Hook {
  return rateLimits[cell]
}

/** @throws Error where there is nobody to judge the bearer */
function bearerMayPass(endpoint: Endpoint): Hook {
  if (endpoint.name !== 'resource') throw new Error(`${endpoint.path} has no guard.`)
  return guardHook(endpoint.guard)
}
