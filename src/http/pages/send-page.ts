import type { FastifyReply } from 'fastify'
import { pageHeaders } from './page-headers.ts'
import { type BrowserPage, isQuestion, type PageContext, render, scriptsOf } from './pages.ts'

/** Answers with a page. */
export function sendPage(
  reply: FastifyReply,
  page: BrowserPage,
  { status, ...context }: PageContext & { readonly status: number },
): FastifyReply {
  const scripts = Object.values(scriptsOf(page)).map(({ source }) => source)
  return reply
    .code(status)
    .headers(pageHeaders({ form: isQuestion(page), scripts }))
    .type('text/html; charset=utf-8')
    .send(render(page, context))
}
