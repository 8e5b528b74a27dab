import type { FastifyInstance } from 'fastify'

/**
 * A client that asked whether its body is wanted (`Expect: 100-continue`, RFC 9110 §10.1.1) is told so
 * once every check has let its request through, and a refusal otherwise.
 */
export function askForBodies(app: FastifyInstance): void {
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (request.raw.headers.expect !== undefined) reply.raw.writeContinue()
    done(null, payload)
  })
}
