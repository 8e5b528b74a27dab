import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'

/** What each path is served from, all in the folder `pages`. */
const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  '/': { file: 'holmes.html', type: 'text/html; charset=utf-8' },
  '/oauth/opening.html': { file: 'opening.html', type: 'text/html; charset=utf-8' },
  '/oauth/callback.html': { file: 'callback.html', type: 'text/html; charset=utf-8' },
  '/assets/holmes.css': { file: 'holmes.css', type: 'text/css; charset=utf-8' },
  '/assets/holmes.js': { file: 'holmes.js', type: 'text/javascript; charset=utf-8' },
  '/assets/make.js': { file: 'make.js', type: 'text/javascript; charset=utf-8' },
  '/assets/trail.js': { file: 'trail.js', type: 'text/javascript; charset=utf-8' },
  '/assets/callback.js': { file: 'callback.js', type: 'text/javascript; charset=utf-8' },
  '/assets/holmes.svg': { file: 'holmes.svg', type: 'image/svg+xml' },
}

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

/** The headers of every answer. */
export const PAGE_HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  // The callback page's address has the code in it.
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const

/** Serves the pages, their styles and scripts. */
export function addPageFiles(app: FastifyInstance): void {
  for (const [path, { file, type }] of Object.entries(FILES)) {
    app.get(path, async (_request, reply) => {
      const content = await readFile(fileURLToPath(new URL(`./pages/${file}`, import.meta.url)))
      return reply.type(type).send(content)
    })
  }
}
