import type { FastifyReply } from 'fastify'
import { pageHeaders } from './page-headers.ts'
import { type BrowserPage, type PageContext, render, scriptOf } from './pages.ts'

/** Answers with a page. */
export function sendPage(
  reply: FastifyReply,
  page: BrowserPage,
  { status, ...context }: PageContext & { readonly status: number },
): FastifyReply {
  const script = scriptOf(page)
  return reply
    .code(status)
    .headers(
      pageHeaders({ form: page.kind === 'consent', ...(script && { script: script.source }) }),
    )
    .type('text/html; charset=utf-8')
    .send(render(page, context))
}
