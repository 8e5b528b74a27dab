/**
 * Why a file, socket or fetch failed, in one word: the code of the system or of undici
 * (`ENOENT`, `ECONNREFUSED`, `UND_ERR_SOCKET`), else the error's name. Never its message, in which
 * libraries repeat addresses, headers and bodies.
 */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
