import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'

/** A token with the names of what it is for. */
export interface JwtWithAudience {
  /** A JWT whose parts are canonical base64url. */
  readonly token: string
  readonly audience: readonly string[]
  /** A text that is kept with it, without a character 0. */
  readonly note: string
}

/** A packed token that was read. */
export interface DecompressedJwt {
  readonly token: string
  /** What it is for, each as `digestOf` writes it. */
  readonly audience: ReadonlySet<string>
  readonly note: string
}

/** Neither header nor claims nor note have a byte 0. */
const SEPARATOR = '\0'
/** Of the length that stands before the signature. */
const LENGTH_BYTES = 2
/** Of a name: the operator chooses them all, so that nobody looks for two that are alike here. */
const NAME_BYTES = 8
/** Far above any token that a header has room for. */
const MOST_INFLATED = 1_048_576

/**
 * What headers and claims are made of, the most frequent last: with it a sealed token is shorter than
 * the token inside even where that is short. Tokens that were packed with another are not read.
 */
const DICTIONARY = Buffer.from(
  [
    '"wids":["","xms_ftd":"","xms_idrel":"1 ","xms_st":{"sub":""},"xms_tcdt":',
    ',"realm_access":{"roles":["default-roles-","offline_access","uma_authorization"]},"resource_access":{"account":{"roles":["manage-account","manage-account-links","view-profile"]}}',
    ',"allowed-origins":["*"],"email_verified":true,"given_name":"","family_name":"","email":"',
    '{"aud":"6dae42f8-4368-4678-94ff-3960e28e3630","iss":"https://login.microsoftonline.com//v2.0","iss":"https://sts.windows.net//","iat":,"nbf":,"exp":,"acr":"1","aio":"","amr":["pwd","mfa"],"appid":"","appidacr":"1","azp":"","azpacr":"1","groups":["',
    '"],"idtyp":"user","ipaddr":"","name":"","oid":"","puid":"","rh":"","scp":"user.read","sid":"","sub":"","tid":"","unique_name":"","upn":"","uti":"","ver":"1.0","ver":"2.0"}',
    '{"typ":"JWT","alg":"RS256","x5t":"","kid":"","use":"sig"}{"alg":"PS256","alg":"EdDSA","alg":"ES256","typ":"at+jwt","kid":"',
    '"}\0{"exp":1,"iat":1,"auth_time":1,"jti":"","iss":"https://","aud":["kubernetes","account"],"sub":"","typ":"Bearer","client_id":"","azp":"","sid":"","acr":"1","scope":"openid profile email offline_access","preferred_username":"',
  ].join(''),
)

/**
 * A token in few bytes: the length of its signature, the signature as it is, how many names, digests
 * of these, and deflated (RFC 1951) its header, its claims and the note.
 *
 * @throws RangeError for a signature of 64 KiB or more, or more than 65,535 names
 */
export function compressJwt({ token, audience, note }: JwtWithAudience): Uint8Array {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  const parts = [
    Buffer.from(header, 'base64url'),
    Buffer.from(claims, 'base64url'),
    Buffer.from(note),
  ]
  const texts = parts.map((part) => part.toString('latin1'))
  const deflated = deflateRawSync(Buffer.from(texts.join(SEPARATOR), 'latin1'), {
    level: 9,
    dictionary: DICTIONARY,
  })
  const names = audience.map((name) => Buffer.from(audienceDigest(name), 'latin1'))
  return Buffer.concat([length(bytes.length), bytes, length(names.length), ...names, deflated])
}

/**
 * What `compressJwt` made, to the character.
 *
 * Not checked: who packed it. Only bytes that nobody else can have written are for this.
 *
 * @returns `undefined` for what is no packed token
 */
export function decompressJwt(packed: Uint8Array): DecompressedJwt | undefined {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  try {
    const signatureEnd = LENGTH_BYTES + bytes.readUInt16BE(0)
    const namesBegin = signatureEnd + LENGTH_BYTES
    const namesEnd = namesBegin + NAME_BYTES * bytes.readUInt16BE(signatureEnd)
    const inflated = inflateRawSync(bytes.subarray(namesEnd), {
      maxOutputLength: MOST_INFLATED,
      dictionary: DICTIONARY,
    })
    const [header, claims, note = ''] = inflated.toString('latin1').split(SEPARATOR)
    const texts = [header, claims].map((text) => Buffer.from(text ?? '', 'latin1'))
    const parts = [...texts, bytes.subarray(LENGTH_BYTES, signatureEnd)]
    const audience = new Set<string>()
    for (let at = namesBegin; at < namesEnd; at += NAME_BYTES) {
      audience.add(bytes.toString('latin1', at, at + NAME_BYTES))
    }
    return {
      token: parts.map((part) => part.toString('base64url')).join('.'),
      audience,
      note: Buffer.from(note, 'latin1').toString(),
    }
  } catch {
    return undefined
  }
}

/** How the name of what a token is for is kept. */
export function audienceDigest(name: string): string {
  return createHash('sha256').update(name).digest().toString('latin1', 0, NAME_BYTES)
}

function length(value: number): Buffer {
  const bytes = Buffer.alloc(LENGTH_BYTES)
  bytes.writeUInt16BE(value)
  return bytes
}
