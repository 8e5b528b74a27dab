import { errorCode } from '../../net/error-code.ts'
import { UsageError } from '../arguments.ts'
import type { Terminal } from '../command.ts'
import { findRequest } from './request-lines.ts'
import { requestStory } from './request-story.ts'

/** As rolecall writes them, or takes them from `trusted_proxies`. */
const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/

/**
 * Tells one request's story out of a log.
 *
 * @param asked `log`: a file, or - for standard input
 * @returns the exit code: 0 told, 1 there is no line of it
 */
export async function explainRequest(
  { log, request }: { readonly log: string | undefined; readonly request: string | undefined },
  terminal: Terminal,
): Promise<number | UsageError> {
  if (log === undefined || request === undefined) {
    return new UsageError('--log FILE and --request ID belong together.')
  }
  if (!REQUEST_ID.test(request)) {
    return new UsageError('--request needs the id of X-Request-Id: 8 to 64 of A-Z a-z 0-9 . _ -.')
  }
  try {
    const found = await findRequest(terminal.streamFile(log), request)
    if (found.lines.length > 0) {
      terminal.stdout(`${requestStory(found).join('\n')}\n`)
      return 0
    }
    const cut = found.unreadable > 0 ? ' A line that names it could not be read.' : ''
    terminal.stderr(
      `No line of this request is there.${cut} Is it in an older file (rotated), of another replica, or below log_level?\n`,
    )
    return 1
  } catch (error) {
    return new UsageError(`The file of --log cannot be read (${errorCode(error)}).`)
  }
}
