import type { FastifyReply } from 'fastify'
import { WAITING } from '../popup/popup-files.ts'
import { pageHeaders } from './page-headers.ts'
import { type BrowserPage, type PageContext, render } from './pages.ts'

/** Answers with a page. */
export function sendPage(
  reply: FastifyReply,
  page: BrowserPage,
  { status, ...context }: PageContext & { readonly status: number },
): FastifyReply {
  const form = page.kind === 'consent'
  const popup = form && page.client.kind === 'popup'
  return reply
    .code(status)
    .headers(pageHeaders({ form, ...(popup && { script: WAITING.source }) }))
    .type('text/html; charset=utf-8')
    .send(render(page, context))
}
