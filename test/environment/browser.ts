import { type Cookie, CookieJar } from 'tough-cookie'
import type { Send } from './trusting-fetch.ts'

/** A person's browser without a window: cookies and forms, as far as sign-ins need them. */
export interface Browser {
  /** One request; redirects are not followed. */
  get(url: string, headers?: Record<string, string>): Promise<Response>
  post(
    url: string,
    form: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Response>
  /** Presses Allow on a consent page; the address that the browser is then sent to. */
  allow(page: Response): Promise<string>
  /** Comes back from the provider, and goes on to the client where a page asks whether to. */
  comeBack(url: string): Promise<Response>
  /** By name. */
  readonly cookies: Map<string, string>
}

/** What a person does on the pages of a sign-in. */
export interface Visitor {
  /** The account that is picked: `alice`. */
  readonly username: string
  /** What is typed into a page that asks for a password, by the names of its fields. */
  readonly typed?: Readonly<Record<string, string>>
  /** On the page that asks whether the client may. Default `allow`. */
  readonly decision?: 'allow' | 'deny'
}

/**
 * A browser that nothing is known of yet. Cookies go back to the host that set them.
 *
 * @param send in place of the global fetch, for hosts with a certificate of their own
 */
export function createBrowser(send: Send = fetch): Browser {
  const cookies = new Map<string, string>()
  const hosts = new Map<string, string>()
  const visit = async (url: string, init: RequestInit): Promise<Response> => {
    const { hostname } = new URL(url)
    const sent = [...cookies].filter(([name]) => (hosts.get(name) ?? hostname) === hostname)
    const cookie = sent.map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { ...(init.headers as Record<string, string>), ...(cookie && { cookie }) }
    const response = await send(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const cookie = acceptedCookie(line, url)
      hosts.set(cookie.key, hostname)
      if (cookie.TTL() <= 0) cookies.delete(cookie.key)
      else cookies.set(cookie.key, cookie.value)
    }
    return response
  }
  const browser: Browser = {
    cookies,
    get: (url, headers = {}) => visit(url, { headers }),
    post: (url, form, headers = {}) =>
      visit(url, { method: 'POST', body: new URLSearchParams(form), headers }),
    async allow(page) {
      const answer = await press(browser, page, { decision: 'allow' })
      const location = answer.headers.get('location')
      if (location === null) throw new Error(`no redirect but ${answer.status}`)
      return location
    },
    async comeBack(url) {
      const answer = await browser.get(url)
      const html = answer.status === 200 ? await answer.clone().text() : ''
      return html.includes('name="decision"')
        ? press(browser, answer, { decision: 'allow' })
        : answer
    },
  }
  return browser
}

/**
 * A cookie that a host sets, by the rules of RFC 6265bis: its domain, and what its prefix demands.
 *
 * @throws Error for one that browsers refuse
 */
function acceptedCookie(line: string, url: string): Cookie {
  const cookie = new CookieJar(undefined, { prefixSecurity: 'strict' }).setCookieSync(line, url)
  if (!cookie) throw new Error(`browsers do not take this cookie: ${line}`)
  return cookie
}

/** More steps than any sign-in has. */
const MOST_STEPS = 12

/**
 * Goes where a client sends its person, and does what the pages ask for: decides on rolecall's, picks
 * the account on the mock's. Nothing is asked of the client.
 *
 * @param start the authorize request; its `redirect_uri` tells where the client is
 * @returns the client's address, with the answer in its query
 * @throws Error with the words of the page, where it is another one
 */
export async function signInAt(
  browser: Browser,
  start: string | URL,
  visitor: Visitor,
): Promise<URL> {
  const client = new URL(start).searchParams.get('redirect_uri')
  if (client === null) throw new Error('the authorize request names no redirect_uri')
  let page = await browser.get(String(start))
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const location = page.headers.get('location')
    if (location === null) {
      page = await fillIn(browser, page, visitor)
      continue
    }
    await page.body?.cancel()
    if (isAt(location, client)) return new URL(location)
    page = await browser.get(new URL(location, page.url).href)
  }
  throw new Error(`the sign-in did not end within ${MOST_STEPS} steps`)
}

/** The same, and the client is told: its listener on loopback gets the answer. */
export async function signInFor(
  browser: Browser,
  start: string | URL,
  visitor: Visitor,
): Promise<void> {
  const answer = await fetch(await signInAt(browser, start, visitor))
  await answer.body?.cancel()
  if (!answer.ok) throw new Error(`the client answered ${answer.status}`)
}

async function fillIn(
  browser: Browser,
  page: Response,
  { username, typed, decision = 'allow' }: Visitor,
): Promise<Response> {
  const html = await page.clone().text()
  if (html.includes('name="decision"')) return press(browser, page, { decision })
  if (html.includes(`name="username" value="${username}"`)) {
    return press(browser, page, { username })
  }
  if (typed && html.includes('type="password"')) return press(browser, page, typed)
  throw new Error(`nothing to do for ${username} on this page (${page.status}): ${wordsOf(html)}`)
}

/** Sends the one form of a page with what it hides, as the button that was pressed makes it. */
async function press(
  browser: Browser,
  page: Response,
  button: Record<string, string>,
): Promise<Response> {
  const html = await page.text()
  const action = /<form[^>]* action="([^"]+)"/.exec(html)?.[1] ?? ''
  const hidden = html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)
  const fields = [...hidden].map(([, name = '', value = '']) => [name, unescaped(value)])
  const { origin } = new URL(page.url)
  const url = new URL(unescaped(action), page.url).href
  return browser.post(url, { ...Object.fromEntries(fields), ...button }, { origin })
}

/** An address with a query added to it; private schemes have no origin to compare. */
function isAt(location: string, client: string): boolean {
  const [withoutQuery] = location.split('?', 1)
  return withoutQuery === client.split('?', 1)[0]
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
}

function unescaped(html: string): string {
  return html.replace(/&(?:#(\d+)|[a-z]+);/g, (entity, code: string | undefined) =>
    code === undefined ? (ENTITIES[entity] ?? entity) : String.fromCharCode(Number(code)),
  )
}

function wordsOf(html: string): string {
  return unescaped(html.replace(/<style.*?<\/style>|<[^>]+>/gs, ' '))
    .replace(/\s+/g, ' ')
    .trim()
}
