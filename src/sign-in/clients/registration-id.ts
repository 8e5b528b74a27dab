import { createHmac } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import * as z from 'zod'
import type { KeyRing } from '../../sealing/derived-keys.ts'
import { equal } from '../../sealing/digest.ts'

/** What a client registered, as far as it counts here (RFC 7591 §2). */
export interface Registration {
  /** At least one. */
  readonly redirectUris: readonly string[]
  /** Fit to be shown. */
  readonly name?: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
}

/** Where a registration counts. */
export interface RegistrationScope {
  /** Clients keep their ids by issuer; an id is good at the one that gave it. */
  readonly issuer: string
  /** Those for `client id`; the first signs, all are taken. */
  readonly keys: KeyRing
}

/** What follows tells how the rest is to be read; another form gets another number. */
const FORM = 'rc1'
const SHAPE = /^rc1\.([\w-]+)\.([\w-]{32})$/
const MAC_BYTES = 24

/** The id stands in URLs and in the header of Basic, and within a cookie while users sign in. */
export const LONGEST_CLIENT_ID = 1_000

/**
 * What registrations are made of, the most frequent last: with it a registration of known addresses
 * takes a few dozen characters. Belongs to the form `rc1` and never changes.
 */
export const KNOWN_ADDRESSES = Buffer.from(
  [
    'https://platform.robusta.dev/oauth/callback.html',
    'https://platform.eu.robusta.dev/oauth/callback.html',
    'https://platform.ap.robusta.dev/oauth/callback.html',
    'https://chatgpt.com/connector_platform_oauth_redirect","https://chatgpt.com/connector/oauth/',
    'https://claude.com/api/mcp/auth_callback","https://claude.ai/api/mcp/auth_callback',
    'cursor://anysphere.cursor-mcp/oauth/callback","https://www.cursor.com/agents/mcp/oauth/callback","http://localhost:8787/callback',
    'https://insiders.vscode.dev/redirect","https://vscode.dev/redirect","http://localhost/","http://127.0.0.1/","http://localhost:33418/","http://127.0.0.1:33418/',
    'http://[::1]:http://127.0.0.1:/oauth/callback"],"","http://localhost:/callback"],"',
  ].join('"],"'),
)

/** A registration as it is written: issued at, redirect URIs, name. */
const written = z.tuple([z.number(), z.array(z.string()), z.string()])

/**
 * The client id that carries a registration, so that nothing needs to be stored: its compressed
 * JSON and a MAC (HMAC-SHA-256, the first 192 bits). Anybody can read it; none of it is secret.
 *
 * @returns characters that need no encoding in URLs and in HTTP Basic; as long as it is
 */
export function makeClientId(registration: Registration, scope: RegistrationScope): string {
  const { issuedAt, redirectUris, name = '' } = registration
  const json = JSON.stringify([issuedAt, redirectUris, name])
  const text = deflateRawSync(json, { dictionary: KNOWN_ADDRESSES, level: 9 }).toString('base64url')
  return `${FORM}.${text}.${mac(text, scope.issuer, scope.keys[0])}`
}

/**
 * The registration that a client id carries.
 *
 * Not checked: whether its redirect URIs may be used today.
 *
 * @returns `undefined` for everything that was altered, made with other keys or for another issuer
 */
export function openClientId(
  clientId: string,
  { issuer, keys }: RegistrationScope,
): Registration | undefined {
  if (clientId.length > LONGEST_CLIENT_ID) return undefined
  const [, text = '', given = ''] = SHAPE.exec(clientId) ?? []
  // The text itself is signed: no other spelling of the same bytes has this MAC.
  const signed = keys.some((key) => equal(given, mac(text, issuer, key)))
  if (!signed) return undefined
  const json = inflateRawSync(Buffer.from(text, 'base64url'), { dictionary: KNOWN_ADDRESSES })
  const [issuedAt, redirectUris, name] = written.parse(JSON.parse(json.toString()))
  return { issuedAt, redirectUris, ...(name !== '' && { name }) }
}

/** Whether a client id is one of ours; not checked: that it is good. */
export function isRegistrationId(clientId: string): boolean {
  return SHAPE.test(clientId)
}

function mac(text: string, issuer: string, key: Buffer): string {
  const signed = JSON.stringify([FORM, issuer, text])
  const digest = createHmac('sha256', key).update(signed).digest()
  return digest.subarray(0, MAC_BYTES).toString('base64url')
}
