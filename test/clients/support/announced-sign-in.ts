import { createInterface } from 'node:readline'
import type { Person } from './person.ts'

const AUTHORIZE_URL = /https?:\/\/\S+\/oauth\/(?:[a-z0-9-]+\/)?authorize\?\S+/

/** What a program writes for the people before it. */
export interface Words {
  /** The last lines. */
  last(): string
  /** Rejects when a sign-in fails; it never settles otherwise. */
  readonly failed: Promise<never>
}

/**
 * Reads what a program writes on its standard error, and has its person sign in wherever it says
 * that somebody must.
 */
export function signInWhereAnnounced(stream: NodeJS.ReadableStream, person: Person): Words {
  const lines: string[] = []
  const failed = new Promise<never>((_, reject) => {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      lines.splice(0, Math.max(0, lines.length - 40))
      const [url] = AUTHORIZE_URL.exec(line) ?? []
      if (url !== undefined) person.signInAndReturn(url).catch(reject)
    })
  })
  failed.catch(() => undefined)
  return { failed, last: () => lines.join('\n') }
}
