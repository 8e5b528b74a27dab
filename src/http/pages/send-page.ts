import type { FastifyReply } from 'fastify'
import type { Page } from '../../sign-in/browser-answer.ts'
import { PAGE_POLICY } from './layout.ts'
import { type RefusedPage, render } from './pages.ts'

/**
 * Answers with a page. Cross-Origin-Opener-Policy is not set on purpose: a popup must keep its opener
 * through the sign-in.
 */
export function sendPage(
  reply: FastifyReply,
  page: Page | RefusedPage,
  { status, requestId }: { readonly status: number; readonly requestId: string },
): FastifyReply {
  return reply
    .code(status)
    .headers({
      'content-security-policy': PAGE_POLICY,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      // With no-referrer browsers send `Origin: null` with the form.
      'referrer-policy': 'same-origin',
    })
    .type('text/html; charset=utf-8')
    .send(render(page, requestId))
}
