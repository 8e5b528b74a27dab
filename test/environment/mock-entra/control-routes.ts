import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { MockControls } from './controls.ts'
import { isErrorCode } from './errors.ts'
import { readQuery } from './parameters.ts'

const kinds = ['v1', 'v2', 'id', 'app', 'app-v2', 'graph'] as const
const signatures = ['valid', 'foreign-key', 'unknown-key', 'HS256', 'none', 'edited'] as const
const claims = z.record(z.string(), z.unknown())
const mintSchema = z.strictObject({
  person: z.string().exactOptional(),
  kind: z.enum(kinds).exactOptional(),
  client: z.string().exactOptional(),
  audience: z.string().exactOptional(),
  scope: z.string().exactOptional(),
  lifetime: z.coerce.number().int().exactOptional(),
  guest: z.boolean().exactOptional(),
  groups: z.coerce.number().int().min(0).max(1000).exactOptional(),
  claims: claims.exactOptional(),
  header: claims.exactOptional(),
  signature: z.enum(signatures).exactOptional(),
  kid: z.string().exactOptional(),
})
const person = z.strictObject({ person: z.string() })
const key = z.strictObject({ kid: z.string() })
const milliseconds = z
  .number()
  .int()
  .min(-(2 ** 47))
  .max(2 ** 47)

type Run = (controls: MockControls, body: unknown) => unknown

/** A control by its schema; a body that does not fit is a problem of the caller's. */
function command<Schema extends z.ZodType>(
  schema: Schema,
  run: (controls: MockControls, input: z.output<Schema>) => unknown,
): Run {
  return (controls, body) => run(controls, schema.parse(body ?? {}))
}

/** `POST /_mock/<name>` with a JSON body. */
const commands: Readonly<Record<string, Run>> = {
  mint: command(mintSchema, async (mock, request) => ({ token: await mock.mint(request) })),
  rotate: command(z.strictObject({}), async (mock) => ({ kid: await mock.rotate() })),
  'add-key': command(z.strictObject({}), async (mock) => ({ kid: await mock.addKey() })),
  'use-key': command(key, (mock, { kid }) => mock.useKey(kid)),
  'retire-key': command(key, (mock, { kid }) => mock.retireKey(kid)),
  outage: command(z.strictObject({ mode: z.enum(['none', 'reset', '503']) }), (mock, { mode }) =>
    mock.outage(mode),
  ),
  slow: command(
    z.strictObject({ milliseconds: z.number().int().min(0).max(600_000) }),
    (mock, input) => mock.slow(input.milliseconds),
  ),
  skew: command(z.strictObject({ milliseconds }), (mock, input) => mock.skew(input.milliseconds)),
  'wrong-issuer': command(z.strictObject({ issuer: z.string().optional() }), (mock, { issuer }) =>
    mock.wrongIssuer(issuer),
  ),
  rfc8414: command(z.strictObject({ mode: z.enum(['not-found', 'empty']) }), (mock, { mode }) =>
    mock.rfc8414(mode),
  ),
  'keys-cache-control': command(
    z.strictObject({
      value: z
        .string()
        .regex(/^[\x20-\x7e]*$/)
        .optional(),
    }),
    (mock, { value }) => mock.keysCacheControl(value),
  ),
  fail: command(
    z.strictObject({
      at: z.enum(['authorize', 'token', 'refresh']),
      code: z.number().refine(isErrorCode, 'is not a code that is known here'),
      person: z.string().exactOptional(),
      times: z.number().int().min(0).exactOptional(),
    }),
    (mock, failure) => {
      const { code, ...rest } = failure
      if (isErrorCode(code)) mock.fail({ ...rest, code })
    },
  ),
  'change-secret': command(
    z.strictObject({ client: z.string(), secret: z.string().min(1) }),
    (mock, { client, secret }) => mock.changeSecret(client, secret),
  ),
  revoke: command(person, (mock, input) => mock.revoke(input.person)),
  disable: command(person, (mock, input) => mock.disable(input.person)),
  enable: command(person, (mock, input) => mock.enable(input.person)),
  demand: command(
    z.strictObject({ person: z.string(), claims: claims.optional() }),
    (mock, input) => mock.demand(input.person, input.claims),
  ),
  'sign-in-as': command(z.strictObject({ person: z.string().optional() }), (mock, input) =>
    mock.signInAs(input.person),
  ),
  reset: command(z.strictObject({}), (mock) => mock.reset()),
}

/** The controls over HTTP, for other processes on this machine and no web page. */
export function addControlRoutes(app: FastifyInstance, controls: MockControls): void {
  app.get('/_mock', async () => ({ commands: Object.keys(commands) }))
  app.get('/_mock/keys', async () => controls.keyIds())
  app.get('/_mock/requests', async () => controls.requestsByPath())
  app.get('/_mock/token', async (request, reply) => {
    const { guest, ...rest } = Object.fromEntries(readQuery(request.url))
    const wanted = mintSchema.parse(
      guest === undefined ? rest : { ...rest, guest: guest === 'true' },
    )
    return reply.type('text/plain').send(await asProblem(() => controls.mint(wanted)))
  })
  for (const [name, run] of Object.entries(commands)) {
    app.post(`/_mock/${name}`, async (request) => {
      return (await asProblem(async () => run(controls, request.body))) ?? {}
    })
  }
}

/** A person, key or client that is not there is the caller's mistake. */
async function asProblem<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof z.ZodError || !(error instanceof Error)) throw error
    throw new ControlProblem(error.message)
  }
}

/** A control that could not be carried out, and why. */
export class ControlProblem extends Error {}

/** Whether a request may use the controls: from this machine, by its own name, not from a page. */
export function mayControl(request: FastifyRequest): boolean {
  const { origin, host } = request.headers
  const isHere = /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(request.socket.remoteAddress ?? '')
  return isHere && isLoopbackHost(host ?? '') && (origin === undefined || isLoopbackOrigin(origin))
}

function isLoopbackOrigin(origin: string): boolean {
  return isLoopbackHost(origin.replace(/^https?:\/\//, ''))
}

function isLoopbackHost(host: string): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/.test(host)
}
