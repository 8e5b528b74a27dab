import { ErrorAnswer } from '../../oauth/error-answer.ts'
import type { Hook } from './step.ts'

/** A 405 that says what would do (RFC 9110 §15.5.6). */
export function methodNotAllowed(taken: readonly string[]): ErrorAnswer {
  const methods = taken.join(', ')
  return new ErrorAnswer({
    status: 405,
    error: 'method_not_allowed',
    description: `This address takes ${methods}.`,
    headers: { allow: methods },
  })
}

/** Ends a request whose method is none of these. */
export function takesMethods(taken: readonly string[]): Hook {
  return (request, _reply, done) => {
    done(taken.includes(request.method) ? undefined : methodNotAllowed(taken))
  }
}
