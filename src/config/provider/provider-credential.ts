import { resolve } from 'node:path'
import type { ProviderCredential } from '../config.ts'
import type { Settings } from '../schema/schema.ts'
import type { ValueFiles } from '../sources/value-files.ts'

/**
 * How rolecall proves itself to the identity provider. Certificate and key are read, and the pair
 * is judged; the file of a federated token is only named, since it is read at each use.
 */
export function providerCredential(
  provider: Settings['identity_provider'],
  files: ValueFiles,
): ProviderCredential {
  const {
    client_secret: secret,
    client_secret_file: secretFile,
    client_secret_method: method,
    client_certificate_file: certificateFile,
    client_key_file: keyFile,
    federated_token_file: tokenFile,
  } = provider
  const pair = files.pair(
    { certificate: certificateFile, key: keyFile },
    ['identity_provider', 'client_certificate_file'],
    ['identity_provider', 'client_key_file'],
  )
  if (secret !== undefined) {
    return {
      kind: 'secret',
      secret,
      ...(secretFile !== undefined && { file: resolve(secretFile) }),
      ...(method !== undefined && { method }),
    }
  }
  if (pair !== undefined && certificateFile !== undefined && keyFile !== undefined) {
    const certificate_file = resolve(certificateFile)
    return { kind: 'certificate', ...pair, certificate_file, key_file: resolve(keyFile) }
  }
  return tokenFile === undefined
    ? { kind: 'none' }
    : { kind: 'federated_token', file: resolve(tokenFile) }
}
