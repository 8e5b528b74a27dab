import { Agent, fetch } from 'undici'

/** As much of `fetch` as tests use. */
export type Send = (url: string, init?: RequestInit) => Promise<Response>

/**
 * A fetch that trusts one more authority: the global one knows those of the process's start alone.
 *
 * @param certificateAuthority PEM
 */
export function trustingFetch(certificateAuthority: string): Send {
  const dispatcher = new Agent({ connect: { ca: certificateAuthority } })
  return async (url, init = {}) => {
    const response = await fetch(url, { ...(init as object), dispatcher })
    return response as unknown as Response
  }
}
