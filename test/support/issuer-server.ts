import type { KeyObject } from 'node:crypto'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import { type Jwt, readJwt } from '../../src/oauth/jwt.ts'
import { rsaKeyPair } from './rsa-keys.ts'

export interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  /** As a key set lists it: `kid`, `use`, no `alg`. */
  readonly jwk: JWK
}

/** The RSA key of this name, of 2048 bits or of as many as asked for. */
export async function signingKey(kid: string, bits = 2048): Promise<SigningKey> {
  const { publicKey, privateKey } = rsaKeyPair(kid, bits)
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), use: 'sig', kid } }
}

/** A signed token, taken apart as the product does. */
export async function signToken(
  key: SigningKey,
  claims: JWTPayload,
  header: Partial<JWTHeaderParameters> = {},
): Promise<Jwt> {
  const protectedHeader = { alg: 'RS256', kid: key.kid, ...header }
  return asJwt(await new SignJWT(claims).setProtectedHeader(protectedHeader).sign(key.privateKey))
}

export function asJwt(compact: string): Jwt {
  const jwt = readJwt(compact)
  if (!jwt) throw new Error('not a JWT')
  return jwt
}

/** One answer of the server; a function takes the exchange over. */
export type Answer = { readonly status?: number; readonly body: unknown } | RequestListener

/** A small identity provider whose two documents a test replaces at will. */
export interface IssuerServer {
  readonly origin: string
  readonly issuer: string
  discovery: Answer
  keys: Answer
  /** How often each document was asked for. */
  readonly requests: { discovery: number; keys: number }
  readonly server: Server
  /** Refuses connections until `resume`. */
  close(): Promise<void>
  resume(): Promise<void>
}

/**
 * Starts it on a loopback port.
 *
 * @param keys what the key set lists at first
 * @param issuerPath what follows the origin in its issuer
 */
export async function startIssuerServer(
  keys: readonly SigningKey[],
  issuerPath = '',
): Promise<IssuerServer> {
  const requests = { discovery: 0, keys: 0 }
  const server = createServer((request, response) => {
    const which = request.url?.includes('/.well-known/') ? 'discovery' : 'keys'
    requests[which] += 1
    answerWith(issuer[which])(request, response)
  })
  await listen(server, 0)
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  const name = origin + issuerPath
  const issuer: IssuerServer = {
    origin,
    issuer: name,
    discovery: { body: { issuer: name, jwks_uri: `${origin}/keys` } },
    keys: { body: { keys: keys.map((key) => key.jwk) } },
    requests,
    server,
    close: () => closeServer(server),
    resume: () => listen(server, port),
  }
  return issuer
}

function answerWith(answer: Answer): RequestListener {
  if (typeof answer === 'function') return answer
  return (_request, response) => {
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' }).end(text)
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Closes a server and what is connected to it. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
