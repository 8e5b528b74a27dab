import type { FastifyReply } from 'fastify'
import { pageHeaders } from './page-headers.ts'
import { type BrowserPage, type PageContext, render } from './pages.ts'

/** Answers with a page. */
export function sendPage(
  reply: FastifyReply,
  page: BrowserPage,
  { status, ...context }: PageContext & { readonly status: number },
): FastifyReply {
  return reply
    .code(status)
    .headers(pageHeaders({ form: page.kind === 'consent' }))
    .type('text/html; charset=utf-8')
    .send(render(page, context))
}
