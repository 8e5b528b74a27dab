import type { ConsentPage, GoOnPage, Page } from '../../sign-in/authorize/browser-answer.ts'
import { DELIBERATE, type PageScript, WAITING } from '../popup/popup-files.ts'
import { consentMain } from './consent-page.ts'
import {
  errorMain,
  type MissingPage,
  missingMain,
  type RefusedPage,
  refusedMain,
} from './error-page.ts'
import { goOnMain } from './go-on-page.ts'
import { type Html, html } from './html.ts'
import { layout } from './layout.ts'
import { signedInMain } from './signed-in-page.ts'

/** Every page that a browser is shown at authorize and callback, and where there is nothing. */
export type BrowserPage = Page | RefusedPage | MissingPage

/** Where and for which request a page is shown. */
export interface PageContext {
  /** Our own host, as people typed it. */
  readonly site: string
  readonly requestId: string
}

/** The HTML of a page. */
export function render(page: BrowserPage, { site, requestId }: PageContext): string {
  const footer = html`<a href="/">What this server is, and how to connect to it</a>`
  const { first, last } = scriptsOf(page)
  return layout({
    title: titles[page.kind],
    site,
    main: mainOf(page, requestId),
    footer,
    ...(first && { firstScript: first.text }),
    ...(last && { script: last.text }),
  })
}

/** The scripts that a page has in itself, which its policy must name. */
export interface PageScripts {
  /** Before anything of the page is shown. */
  readonly first?: PageScript
  /** When all of it is there. */
  readonly last?: PageScript
}

export function scriptsOf(page: BrowserPage): PageScripts {
  if (!isQuestion(page)) return {}
  const waits = page.kind === 'consent' && page.client.kind === 'popup'
  return { first: DELIBERATE, ...(waits && { last: WAITING }) }
}

/** Whether a page has a form of ours. */
export function isQuestion(page: BrowserPage): page is ConsentPage | GoOnPage {
  return page.kind === 'consent' || page.kind === 'go_on'
}

const titles: Readonly<Record<BrowserPage['kind'], string>> = {
  consent: 'Allow access?',
  go_on: 'Go on?',
  signed_in: 'You are signed in',
  error: 'The sign-in did not work',
  refused: 'This did not work',
  missing: 'Nothing here',
}

function mainOf(page: BrowserPage, requestId: string): Html {
  switch (page.kind) {
    case 'consent':
      return consentMain(page)
    case 'go_on':
      return goOnMain(page)
    case 'signed_in':
      return signedInMain(page)
    case 'error':
      return errorMain(page, requestId)
    case 'refused':
      return refusedMain(page, requestId)
    case 'missing':
      return missingMain(page, requestId)
  }
}
