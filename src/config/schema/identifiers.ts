import { canonicalHeader, isClientHeader } from '../../net/header-names.ts'
import { ValueError } from '../value-error.ts'

const guidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** What a key set can prove: asymmetric only, so that no verifier's key can sign (RFC 8725 §3.1). */
export const signingAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

/** The audience of the API servers of AKS clusters: Microsoft's own application, in every tenant. */
export const aksAudience = '6dae42f8-4368-4678-94ff-3960e28e3630'

/** Whether a text is a GUID, as Entra writes tenant and client ids. */
export function isGuid(text: string): boolean {
  return guidForm.test(text)
}

/** Reads a tenant id; lower case. Names for many tenants at once are refused with a reason. */
export function readTenantId(text: string): string | ValueError {
  if (isGuid(text)) return text.toLowerCase()
  const remedy =
    'Write the Directory (tenant) ID, a GUID: Azure portal > Microsoft Entra ID > Overview, or `az account show --query tenantId`.'
  if (['common', 'organizations', 'consumers'].includes(text.toLowerCase())) {
    return new ValueError(
      'names no single tenant: everybody with a Microsoft account would count',
      remedy,
    )
  }
  if (text.includes('.')) return new ValueError("is a domain, not the tenant's id", remedy)
  return new ValueError("is not a tenant's id", remedy)
}

const keyRemedy =
  'Write keys that `rolecall keygen` prints, one per line: the first seals, all open.'

/** Reads sealing keys, one per line: 32 bytes each, canonical base64url. The text is a secret. */
export function readSealingKeys(lines: readonly string[]): readonly string[] | ValueError {
  const keys = lines.map((line) => line.trim()).filter((line) => line !== '')
  if (keys.length === 0) return new ValueError('holds no key', keyRemedy)
  const bad = keys.findIndex((key) => !isSealingKey(key))
  if (bad >= 0)
    return new ValueError(`has a key that is not 32 bytes in base64url (key ${bad + 1})`, keyRemedy)
  if (new Set(keys).size < keys.length) return new ValueError('has the same key twice', keyRemedy)
  return keys
}

function isSealingKey(key: string): boolean {
  const bytes = Buffer.from(key, 'base64url')
  return bytes.length === 32 && bytes.toString('base64url') === key
}

const headerForm = /^[a-z0-9!#$%&'*+.^`|~-]+$/

/** What is written here besides the token, and what frames a request or belongs to one hop. */
const ownHeaders = new Set([
  'connection',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
])

const families = /^(content|accept|mcp|x-forwarded|impersonate)(-|$)/

/**
 * Reads the name of the header that carries the token upstream (RFC 9110 §5.1); lower case. One that
 * clients may send is refused, or a client's own value would go up beside the token (confused deputy);
 * so is a name with `_`, which some servers read as the one with `-`.
 */
export function readTokenHeader(text: string): string | ValueError {
  const name = text.toLowerCase()
  const remedy = 'Write "authorization", or the header your MCP server reads: "x-argocd-api-token".'
  if (!headerForm.test(name)) return new ValueError('is not the name of a header', remedy)
  const read = canonicalHeader(name)
  const meaningful = isClientHeader(read, true) || ownHeaders.has(read) || families.test(read)
  return meaningful ? new ValueError('is a header with a meaning of its own', remedy) : name
}

/** Reads a resource's path: segments of unreserved characters, no slash at the end (RFC 3986). */
export function readResourcePath(text: string): string | ValueError {
  const remedy = 'Write a path such as "/mcp" or "/prod/mcp".'
  if (text === '/') return new ValueError('is the start page', remedy)
  if (text.length > 1 && text.endsWith('/')) {
    return new ValueError(
      'ends with a slash',
      `Write "${text.replace(/\/+$/, '') || '/mcp'}"; with a slash it is answered too.`,
    )
  }
  const segments = text.split('/').slice(1)
  const legal = segments.every(
    (segment) => /^[A-Za-z0-9._~-]+$/.test(segment) && !/^\.\.?$/.test(segment),
  )
  if (!text.startsWith('/') || !legal) return new ValueError('is not a path', remedy)
  const [first = '', ...rest] = segments.map((segment) => segment.toLowerCase())
  if (first === 'oauth' || first === '.well-known') {
    return new ValueError(`lies below /${segments[0]}, which rolecall answers itself`, remedy)
  }
  if (!rest.includes('.well-known')) return text
  return new ValueError('has /.well-known in it, where rolecall answers with metadata', remedy)
}

/** Reads a resource's name; it becomes part of URLs and log lines. */
export function readResourceName(text: string): string | ValueError {
  if (/^[a-z0-9-]{1,40}$/.test(text)) return text
  return new ValueError('is not a name', 'Write 1 to 40 of a to z, 0 to 9 and "-".')
}
