import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { decodeJwt } from 'jose'
import { z } from 'zod'
import type { Person } from '../people.ts'
import { type MockState, nowInSeconds } from './state.ts'

/** As Microsoft Graph has it: more are an error. */
const MOST_GROUPS = 11_000

const bodySchema = z.strictObject({ securityEnabledOnly: z.literal(true) })

/** What of Microsoft Graph is there: `getMemberObjects` of whoever the token belongs to. */
export function addGraphRoutes(app: FastifyInstance, state: MockState): void {
  app.post('/v1.0/me/getMemberObjects', async (request, reply) => {
    const person = whose(request, state)
    if (person === 'nobody') return sendError(reply, 401, 'InvalidAuthenticationToken')
    if (person === 'forbidden') return sendError(reply, 403, 'Authorization_RequestDenied')
    if (!bodySchema.safeParse(request.body).success) return sendError(reply, 400, 'BadRequest')
    if (person.groups.length > MOST_GROUPS) {
      return sendError(reply, 400, 'Directory_ResultSizeLimitExceeded')
    }
    const context = `${state.origin}/v1.0/$metadata#Collection(Edm.String)`
    return reply.send({ '@odata.context': context, value: person.groups })
  })
}

/** A token for Graph with User.Read; the signature of Graph's tokens is for Graph alone to check. */
function whose({ headers }: FastifyRequest, state: MockState): Person | 'nobody' | 'forbidden' {
  const token = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
  const claims = claimsOf(token)
  const isForGraph = claims?.['aud'] === 'https://graph.microsoft.com'
  if (!isForGraph || Number(claims['exp']) <= nowInSeconds(state)) return 'nobody'
  const person = state.people.people.find(({ oid }) => oid === claims['oid'])
  if (!person) return 'nobody'
  return String(claims['scp']).split(' ').includes('User.Read') ? person : 'forbidden'
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  try {
    return decodeJwt(token)
  } catch {
    return undefined
  }
}

function sendError(reply: FastifyReply, status: number, code: string): FastifyReply {
  return reply.code(status).send({ error: { code, message: `${code}, says the mock.` } })
}
