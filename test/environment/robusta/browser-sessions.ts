import { randomBytes } from 'node:crypto'
import type { ClusterView } from './cluster-view.ts'
import type { PendingSignIn } from './sign-in-request.ts'
import type { TokenClient, Tokens } from './token-requests.ts'

/** A person who signed in, in one browser. */
export interface Connection {
  readonly client: TokenClient
  readonly tokens: Tokens
  /** Milliseconds since the epoch. */
  readonly goodUntil: number
  readonly refreshes: number
  readonly view?: ClusterView
}

/** A sign-in whose popup is open, and where its code is to be redeemed. */
export interface OpenSignIn {
  readonly signIn: PendingSignIn
  readonly client: TokenClient
}

/** One browser with the page open, maybe in several tabs. */
export interface BrowserSession {
  /** By `state`. */
  readonly pending: Map<string, OpenSignIn>
  connection: Connection | undefined
}

/** The sessions, by the cookie's value. */
export interface BrowserSessions {
  /** The session of a `Cookie` header, where there is one. */
  find(cookies: string | undefined): BrowserSession | undefined
  /** A new session, and its `Set-Cookie`. */
  begin(isHttps: boolean): { readonly session: BrowserSession; readonly cookie: string }
}

const NAME = 'holmes-demo-session'
const MOST = 200
const MOST_PENDING = 5

/** Sessions in memory, at most 200: the oldest makes room. */
export function createBrowserSessions(): BrowserSessions {
  const sessions = new Map<string, BrowserSession>()
  return {
    find(cookies = '') {
      const ids = cookies.split(';').flatMap((pair) => {
        const [name = '', value = ''] = pair.trim().split('=')
        return [NAME, `__Host-${NAME}`].includes(name) ? [value] : []
      })
      return ids.map((id) => sessions.get(id)).find((session) => session !== undefined)
    },
    begin(isHttps) {
      const id = randomBytes(32).toString('base64url')
      const session: BrowserSession = { pending: new Map(), connection: undefined }
      putBounded(sessions, id, session, MOST)
      const name = isHttps ? `__Host-${NAME}` : NAME
      const attributes = `Path=/; HttpOnly; SameSite=Strict${isHttps ? '; Secure' : ''}`
      return { session, cookie: `${name}=${id}; ${attributes}` }
    },
  }
}

/** Keeps a sign-in until it comes back; of more than five, the oldest is forgotten. */
export function keepPending({ pending }: BrowserSession, open: OpenSignIn): void {
  putBounded(pending, open.signIn.state, open, MOST_PENDING)
}

function putBounded<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  const [oldest] = map.keys()
  if (map.size >= most && oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}
