// Signs people in at a rolecall from a web UI whose origin is in its `sign_in.popup_origins`:
//
//   import { signIn } from 'https://mcp.example.com/oauth/popup.js'
//
//   button.onclick = async () => {
//     const tokens = await signIn({ resource: 'https://mcp.example.com/mcp' })
//     // tokens.access_token is the bearer for that resource. Keep tokens in memory.
//   }
//
// Call signIn in the click itself: a browser blocks a popup that comes later. Pages with the header
// Cross-Origin-Opener-Policy: same-origin hear no popup; same-origin-allow-popups is fine.

/**
 * What a sign-in brings.
 *
 * @typedef {{
 *   access_token: string,
 *   token_type: string,
 *   expires_in: number,
 *   refresh_token?: string,
 *   scope?: string,
 * }} Tokens
 */

/** A sign-in that brought no tokens. */
export class SignInError extends Error {
  /**
   * @param {string} code `popup_blocked`, `popup_closed`, `untrusted_answer`, `unreachable`, or an
   *   error of OAuth: `access_denied`, `invalid_grant`, `temporarily_unavailable`
   * @param {string} message
   */
  constructor(code, message) {
    super(message)
    this.name = 'SignInError'
    this.code = code
  }
}

/**
 * Signs a person in, in a popup. State and code verifier are made here and stay here, and the code is
 * redeemed here: no token passes through a window or an address.
 *
 * @param {{ resource: string }} options the URL of the MCP server
 * @returns {Promise<Tokens>}
 * @throws {SignInError}
 */
export async function signIn({ resource }) {
  const home = new URL(resource).origin
  // Not awaited where one is there: the browser takes the popup for the click's own.
  const proof = proofs.pop() ?? (await makeProof())
  prepareProof()
  const answer = await answerOf(openPopup(home, resource, proof), home, proof.state)
  if (answer.error !== undefined) {
    throw new SignInError(answer.error, answer.error_description ?? 'The sign-in did not work.')
  }
  const server = await discover(resource)
  if (answer.iss !== server.issuer) {
    throw new SignInError('untrusted_answer', 'The answer is not from the server that was asked.')
  }
  return ask(server, {
    grant_type: 'authorization_code',
    code: answer.code ?? '',
    code_verifier: proof.verifier,
    resource,
  })
}

/**
 * Renews tokens. With `invalid_grant` the person has to sign in again; after any other error the
 * refresh token is still good.
 *
 * @param {{ resource: string, refreshToken: string }} options
 * @returns {Promise<Tokens>} with the refresh token that takes the place of this one
 * @throws {SignInError}
 */
export async function refresh({ resource, refreshToken }) {
  const server = await discover(resource)
  return ask(server, { grant_type: 'refresh_token', refresh_token: refreshToken, resource })
}

/** @typedef {{ state: string, verifier: string, challenge: string }} Proof */

/** @type {Proof[]} Made beforehand, each for one sign-in. */
const proofs = []
prepareProof()

function prepareProof() {
  makeProof().then(
    (proof) => proofs.push(proof),
    () => undefined,
  )
}

/** @returns {Promise<Proof>} */
async function makeProof() {
  if (!isSecureContext) {
    throw new SignInError('insecure_page', 'People can sign in from pages over https only.')
  }
  const verifier = randomText()
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))
  return { state: randomText(), verifier, challenge: base64url(new Uint8Array(digest)) }
}

/** 256 bits that nobody can guess. */
function randomText() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)))
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/**
 * @param {string} home
 * @param {string} resource
 * @param {Proof} proof
 */
function openPopup(home, resource, { state, challenge }) {
  const { origin } = location
  const query = new URLSearchParams({ origin, state, code_challenge: challenge, resource })
  const popup = open(`${home}/oauth/popup?${query}`, '_blank', 'popup,width=560,height=800')
  if (popup) return popup
  throw new SignInError('popup_blocked', 'The browser blocked the popup; allow popups here.')
}

/** Milliseconds between two looks whether the popup is still there. */
const LOOK = 250
/** Milliseconds for an answer that was posted just before it closed. */
const GRACE = 1000

/**
 * The answer that our server's window posts. What others post is not read: they do not know the state.
 *
 * @param {Window} popup
 * @param {string} home the only origin that is believed
 * @param {string} state
 * @returns {Promise<{ code?: string, iss?: string, error?: string, error_description?: string }>}
 */
function answerOf(popup, home, state) {
  return new Promise((resolve, reject) => {
    /** @param {MessageEvent} event */
    const listen = ({ origin, data }) => {
      if (origin !== home || data?.type !== 'rolecall' || data.state !== state) return
      stop()
      resolve(data)
    }
    const looking = setInterval(() => {
      if (!popup.closed) return
      clearInterval(looking)
      setTimeout(() => {
        stop()
        reject(new SignInError('popup_closed', 'The window was closed before the sign-in ended.'))
      }, GRACE)
    }, LOOK)
    const stop = () => {
      clearInterval(looking)
      removeEventListener('message', listen)
    }
    addEventListener('message', listen)
  })
}

/** @typedef {{ issuer: string, token_endpoint: string }} Server */

/**
 * The authorization server of a resource (RFC 9728 §3.1, RFC 8414 §3.1): one at the same origin.
 *
 * @param {string} resource
 * @returns {Promise<Server>}
 */
async function discover(resource) {
  const { origin: home, pathname } = new URL(resource)
  const path = pathname.replace(/\/$/, '')
  const described = await read(`${home}/.well-known/oauth-protected-resource${path}`)
  const [issuer] = described.authorization_servers ?? []
  if (!isAt(home, issuer)) throw notOurs()
  const issuerPath = new URL(issuer).pathname.replace(/\/$/, '')
  const server = await read(`${home}/.well-known/oauth-authorization-server${issuerPath}`)
  if (server.issuer !== issuer || !isAt(home, server.token_endpoint)) throw notOurs()
  return { issuer, token_endpoint: server.token_endpoint }
}

/**
 * @param {string} home
 * @param {unknown} url
 */
function isAt(home, url) {
  return typeof url === 'string' && URL.canParse(url) && new URL(url).origin === home
}

function notOurs() {
  return new SignInError('untrusted_answer', 'The metadata of the server leads elsewhere.')
}

/** @param {string} url */
async function read(url) {
  return jsonOf(await send(url, {}))
}

/**
 * @param {Server} server
 * @param {Record<string, string>} grant
 */
async function ask(server, grant) {
  const client_id = `rolecall:${location.origin}`
  const body = new URLSearchParams({ client_id, ...grant })
  return jsonOf(await send(server.token_endpoint, { method: 'POST', body }))
}

/**
 * @param {string} url
 * @param {RequestInit} init
 */
async function send(url, init) {
  try {
    return await fetch(url, {
      ...init,
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
    })
  } catch {
    throw new SignInError('unreachable', 'The server cannot be reached, or not from this page.')
  }
}

/** @param {Response} response */
async function jsonOf(response) {
  const body = (await response.json().catch(() => undefined)) ?? {}
  if (response.ok) return body
  const code = body.error ?? 'server_error'
  throw new SignInError(code, body.error_description ?? `The server answered ${response.status}.`)
}
