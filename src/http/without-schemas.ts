import type { FastifyServerOptions } from 'fastify'

/**
 * For every Fastify app: no route of ours has a JSON Schema (bodies are judged by zod, or handed on as
 * they are), and Fastify would load two compilers of schemas all the same: ajv and fast-json-stringify.
 */
export const withoutSchemas: NonNullable<FastifyServerOptions['schemaController']> = {
  compilersFactory: { buildValidator: refuse, buildSerializer: refuse },
}

function refuse(): never {
  throw new Error('a route with a schema needs a compiler of schemas')
}
