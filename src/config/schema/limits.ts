import * as z from 'zod'
import { duration } from './duration.ts'

const whole = (least: number, most: number) => z.int().min(least).max(most)

/** `[limits]`: what one request, one address and one user may cost. */
export const limitsSchema = z
  .strictObject({
    header_bytes: whole(4096, 1_048_576).prefault(32_768).meta({
      description:
        'All headers of one request; 431 beyond. A token of a user in 200 groups has 12,000 bytes.',
    }),
    body_bytes: whole(1, 1_073_741_824).prefault(4_194_304).meta({
      description: 'The body of one request, which is held in memory; 413 beyond.',
    }),
    header_timeout: duration().prefault('15s').meta({
      description: 'How long a client may take to send its headers; 408 beyond.',
    }),
    body_timeout: duration().prefault('30s').meta({
      description: 'How long a client may take to send its body; 408 beyond.',
    }),
    registrations_per_minute: whole(1, 100_000).prefault(30).meta({
      description:
        'broker: registrations from one address (IPv6: one /64) at one process; 429 beyond.',
    }),
    sign_ins_per_minute: whole(1, 100_000).prefault(60).meta({
      description:
        'Sign-in requests from one address (IPv6: one /64), and refreshes of one session, at one process, counted before the identity provider is asked; 429 beyond.',
    }),
    batch_messages: whole(1, 1_000).prefault(50).meta({
      description:
        'Messages in one JSON-RPC batch, which only MCP 2025-03-26 has; 400 beyond. Under a later MCP-Protocol-Version every batch is 400.',
    }),
    calls_per_user: whole(1, 100_000).prefault(64).meta({
      description:
        'Calls of one user at once at one resource; beyond, the answer says when to come back.',
    }),
    streams_per_user: whole(1, 100_000).prefault(64).meta({
      description:
        'GET streams and subscriptions of one user at once at one resource; 429 with Retry-After beyond.',
    }),
    buffered_bytes: whole(1, 17_179_869_184).prefault(134_217_728).meta({
      description:
        'All request bodies that one process holds at once, at least `body_bytes`; one user has a quarter of it at the most. 503 with Retry-After beyond.',
    }),
    connections: whole(0, 1_000_000).prefault(0).meta({
      description:
        'Client connections of one process. `0`: three quarters of the file descriptors that it may open.',
    }),
  })
  .prefault({})
  .meta({ description: 'What one request, one address and one user may cost.' })
