import { createBrowser, signInAt, signInFor } from '../../environment/browser.ts'

/** Somebody with a browser, who does what the pages of a sign-in ask for. */
export interface Person {
  readonly username: string
  /** How often a client wanted this person to sign in. */
  readonly signIns: number
  /** Signs in; returns where the client is, with the answer in its query. */
  signIn(authorizeUrl: string | URL): Promise<URL>
  /** The same, and the browser goes there: the client listens on loopback. */
  signInAndReturn(authorizeUrl: string | URL): Promise<void>
}

/** @param username whom the mock's page offers: `alice` */
export function createPerson(username: string): Person {
  const browser = createBrowser()
  let signIns = 0
  return {
    username,
    get signIns() {
      return signIns
    },
    signIn(authorizeUrl) {
      signIns += 1
      return signInAt(browser, authorizeUrl, { username })
    },
    signInAndReturn(authorizeUrl) {
      signIns += 1
      return signInFor(browser, authorizeUrl, { username })
    },
  }
}
