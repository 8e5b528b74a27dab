/** What an answer that is no MCP message shows of who gave it. */
export interface AnswerTraits {
  /** `Location`, as sent. */
  readonly location?: string
  /** The media type, lower case, without parameters. */
  readonly type: string
  /** The first scheme of `WWW-Authenticate`, lower case. */
  readonly scheme?: string
  /** The first characters of the body: to look for known words, never to be shown. */
  readonly start: string
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

interface Body extends AsyncIterable<Uint8Array> {
  destroy(): unknown
}

const MOST_BYTES = 4_096
/** The answer is told by its status already: nobody waits long for its body. */
const PATIENCE_MS = 1_000

/** Reads what an answer shows, bounded in bytes and time; the rest of its body is thrown away. */
export async function readTraits(headers: Headers, body: Body): Promise<AnswerTraits> {
  const location = headerText(headers['location'])
  const scheme = /^[a-z-]+/i.exec(headerText(headers['www-authenticate']))?.[0].toLowerCase()
  const type = headerText(headers['content-type']).split(';')[0]?.trim().toLowerCase() ?? ''
  return {
    type,
    start: await startOf(body),
    ...(location !== '' && { location }),
    ...(scheme !== undefined && { scheme }),
  }
}

async function startOf(body: Body): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  const timer = setTimeout(() => body.destroy(), PATIENCE_MS)
  try {
    for await (const chunk of body) {
      chunks.push(chunk)
      size += chunk.byteLength
      if (size >= MOST_BYTES) break
    }
  } catch {
    // What came until then is all that there is.
  } finally {
    clearTimeout(timer)
    body.destroy()
  }
  return Buffer.concat(chunks).subarray(0, MOST_BYTES).toString('utf8')
}

function headerText(value: string | readonly string[] | undefined): string {
  return (typeof value === 'string' ? value : value?.[0]) ?? ''
}
