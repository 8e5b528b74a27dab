import type { FastifyReply, FastifyRequest } from 'fastify'

/** One step of a request: `done` lets it go on, `done(error)` ends it. */
export type Hook = (
  request: FastifyRequest,
  reply: FastifyReply,
  done: (error?: Error) => void,
) => void
