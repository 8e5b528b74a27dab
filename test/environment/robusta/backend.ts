import type { Trail } from '../trail/trail.ts'
import type { Answer, ConnectionView } from './answer.ts'
import { type BrowserSession, type Connection, keepPending } from './browser-sessions.ts'
import { TokenRefused, viewCluster } from './cluster-view.ts'
import { discover } from './discovery.ts'
import { Problem, refusedSignIn } from './problem.ts'
import { createRequestLog, type RequestLog } from './request-log.ts'
import { beginSignIn } from './sign-in-request.ts'
import { exchangeCode, refreshTokens, type TokenClient, type Tokens } from './token-requests.ts'

export interface BackendOptions {
  /** The MCP endpoint, without a trailing slash. */
  readonly mcpUrl: string
  readonly clientId: string
  /** Whose pods people are shown. */
  readonly namespaces: readonly string[]
  /** Finds what others wrote of each call; absent: the page shows nothing of it. */
  readonly trail?: Trail
}

/** What the callback page handed over (RFC 6749 §4.1.2). */
export interface CallbackParameters {
  readonly state: string
  readonly code?: string | undefined
  readonly error?: string | undefined
  readonly errorDescription?: string | undefined
}

/** How a sign-in is to be asked for. */
export interface WantedSignIn {
  readonly redirectUri: string
  /** As HolmesGPT does unless `oauth.resource` is an empty text. */
  readonly sendsResource: boolean
  /** For another person than the one that the identity provider still knows in this browser. */
  readonly picksAccount: boolean
}

/**
 * What HolmesGPT does for a Robusta UI, as far as one MCP server needs it. Each method answers the
 * page of one browser; what goes wrong is in the answer.
 */
export interface Backend {
  /** How things stand, without asking anybody. */
  show(session: BrowserSession): Promise<Answer>
  /** Finds the endpoints and begins a sign-in. */
  connect(session: BrowserSession, wanted: WantedSignIn): Promise<Answer>
  /** Redeems the code, and shows what the person sees. */
  callback(session: BrowserSession, parameters: CallbackParameters): Promise<Answer>
  /** Shows what the person sees now, with a new token where the old one is at its end. */
  look(session: BrowserSession): Promise<Answer>
  /** The same with a new token in any case. */
  refresh(session: BrowserSession): Promise<Answer>
  /** Forgets the tokens. */
  disconnect(session: BrowserSession): Promise<Answer>
}

type Step = (log: RequestLog) => Promise<Omit<Answer, 'requests' | 'connection'> | undefined>

/** The backend of the page, without HTTP. */
export function createBackend(options: BackendOptions): Backend {
  const look = async (session: BrowserSession, log: RequestLog): Promise<undefined> => {
    const connection = requireConnection(session)
    try {
      const { accessToken } = connection.tokens
      const view = await viewCluster({ ...options, accessToken }, log)
      session.connection = { ...connection, view }
    } catch (error) {
      if (error instanceof TokenRefused) session.connection = undefined
      throw error
    }
  }
  return {
    show: (session) => answer(session, async () => undefined),
    connect: (session, { redirectUri, sendsResource, picksAccount }) =>
      answer(session, async (log) => {
        const discovered = await discover(options.mcpUrl, log)
        const resource = sendsResource ? { resource: options.mcpUrl } : {}
        const { clientId } = options
        const wanted = { clientId, redirectUri, picksAccount, ...resource }
        const signIn = beginSignIn({ discovered, ...wanted })
        const client = { tokenEndpoint: discovered.tokenEndpoint, clientId, ...resource }
        keepPending(session, { signIn, client })
        return { authorizeUrl: signIn.authorizeUrl }
      }),
    callback: (session, parameters) =>
      answer(session, async (log) => {
        session.connection = await redeem(session, parameters, log)
        return look(session, log)
      }),
    look: (session) =>
      answer(session, async (log) => {
        const { goodUntil } = requireConnection(session)
        if (Date.now() >= goodUntil) await refresh(session, log)
        return look(session, log)
      }),
    refresh: (session) =>
      answer(session, async (log) => {
        await refresh(session, log)
        return look(session, log)
      }),
    disconnect: (session) =>
      answer(session, async () => {
        session.connection = undefined
        return undefined
      }),
  }
}

async function answer(session: BrowserSession, step: Step): Promise<Answer> {
  const log = createRequestLog()
  const outcome = await step(log).catch((error: unknown) => {
    if (error instanceof Problem) return { problem: error.view }
    throw error
  })
  const { connection } = session
  return {
    ...outcome,
    ...(connection ? { connection: viewOf(connection) } : {}),
    requests: log.requests,
  }
}

async function redeem(
  session: BrowserSession,
  { state, code, error, errorDescription = '' }: CallbackParameters,
  log: RequestLog,
): Promise<Connection> {
  const open = session.pending.get(state)
  if (!open) {
    throw new Problem({
      title: 'This sign-in was not begun here.',
      words: 'The state that came back is not the one that this browser was sent away with.',
      remedy: 'Connect again.',
    })
  }
  session.pending.delete(state)
  if (error !== undefined) throw refusedSignIn(error, errorDescription)
  if (code === undefined) {
    throw new Problem({
      title: 'The sign-in came back without a code.',
      words: 'The callback page was opened with neither code nor error.',
      remedy: 'Connect again.',
    })
  }
  const { verifier, redirectUri } = open.signIn
  const tokens = await exchangeCode(open.client, { code, verifier, redirectUri }, log)
  return connectionOf(open.client, tokens, 0)
}

/** A refresh that fails ends the connection: HolmesGPT asks the person to sign in again. */
async function refresh(session: BrowserSession, log: RequestLog): Promise<void> {
  const connection = requireConnection(session)
  const { client, tokens, refreshes } = connection
  session.connection = undefined
  if (tokens.refreshToken === undefined) {
    throw new Problem({
      title: 'There is no refresh token.',
      words: 'The token endpoint sent none.',
      remedy: 'Connect again.',
    })
  }
  const fresh = await refreshTokens(client, tokens.refreshToken, log)
  // As HolmesGPT: what the answer leaves out stays as it was.
  session.connection = connectionOf(client, { ...tokens, ...fresh }, refreshes + 1)
}

function requireConnection({ connection }: BrowserSession): Connection {
  if (connection) return connection
  throw new Problem({
    title: 'You are not connected.',
    words: 'Nobody is signed in to the cluster in this browser.',
    remedy: 'Connect first.',
  })
}

/** HolmesGPT asks for a new token 30 seconds early, and keeps one for ten seconds at least. */
function connectionOf(client: TokenClient, tokens: Tokens, refreshes: number): Connection {
  const goodUntil = Date.now() + Math.max(tokens.expiresIn - 30, 10) * 1000
  return { client, tokens, goodUntil, refreshes }
}

function viewOf({ goodUntil, refreshes, view }: Connection): ConnectionView {
  return { tools: 0, sights: [], calls: [], ...view, goodUntil, refreshes }
}
