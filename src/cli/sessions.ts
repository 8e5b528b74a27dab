import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../clock.ts'
import type { Config, RelayConfig } from '../config/config.ts'
import { printable } from '../oauth/printable.ts'
import { deriveKeys } from '../sealing/derived-keys.ts'
import { EndedSessions } from '../sign-in/sessions/ended-sessions.ts'
import { SessionEnds } from '../sign-in/sessions/session-ends.ts'
import { SessionIndex } from '../sign-in/sessions/session-index.ts'
import { SessionNames, type SessionOwner } from '../sign-in/sessions/session-names.ts'
import { createStore } from '../store/create-store.ts'
import { examineRedis } from '../store/examine-redis.ts'
import { redisRemedy } from '../store/redis-remedies.ts'
import { type Store, StoreUnavailable } from '../store/store.ts'
import { takeArguments, UsageError } from './arguments.ts'
import { badUsage, type Command, type Terminal } from './command.ts'
import { configurationFrom, configurationUsage } from './configuration.ts'

const FAILED = 1

/** Ends sessions in every replica, by way of the store. */
export const command: Command = {
  summary: 'end sign-in sessions, of one user, one client or all, in every replica',
  usage: `Usage: rolecall sessions end (--user NAME | --client ID | --all) [--config FILE]

Ends the sign-in sessions that began until now, in every replica: refreshing is refused at once, sealed
tokens and open streams end within 15 seconds. Whoever it was may sign in again. Run it with the
configuration of the replicas: it needs their [store], and for --user and --client their sealing_keys.
  --user NAME   as the cluster calls the user: user in the log lines; capitals do not count
  --client ID   an MCP client: client_id in the log lines
  --all         every session of this deployment
Exit: 0 ended, 1 not ended (no store, or it cannot be reached), 2 bad configuration or usage.

${configurationUsage}`,
  run,
}

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const own = takeArguments(argv, { user: 'text', client: 'text', all: 'switch' })
  if (own instanceof UsageError) return misused(own, terminal)
  if (own.positionals.length !== 1 || own.positionals[0] !== 'end') {
    return misused(new UsageError('The one thing that can be done is: sessions end.'), terminal)
  }
  const owner = ownerIn(own.values)
  if (owner instanceof UsageError) return misused(owner, terminal)
  const configuration = configurationFrom(own.rest, terminal)
  if (configuration === undefined) return badUsage
  const { config } = configuration
  const missing = whatIsMissing(owner, config) ?? (await whyStoreFails(config))
  if (missing !== undefined) return failed(missing, terminal)
  const store = await createStore(config.store, { clock: systemClock, onEvent: () => undefined })
  try {
    await untilConnected(store)
    const known = await endSessions(owner, { store, config })
    terminal.stdout(report(owner, known, config))
    return 0
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
    return failed(storeFails(error.reason), terminal)
  } finally {
    store.close()
  }
}

function misused({ message }: UsageError, terminal: Terminal): number {
  terminal.stderr(`${message}\n`)
  return badUsage
}

function failed(sentence: string, terminal: Terminal): number {
  terminal.stderr(`${sentence}\n`)
  return FAILED
}

function ownerIn(values: Readonly<Record<string, string>>): SessionOwner | UsageError {
  const { user, client, all } = values
  const given = [user, client, all].filter((value) => value !== undefined)
  if (given.length !== 1 || given[0] === '') {
    return new UsageError('Whose sessions? Give one of --user NAME, --client ID and --all.')
  }
  if (user !== undefined) return { kind: 'user', name: user }
  return client === undefined ? { kind: 'all' } : { kind: 'client', name: client }
}

/** One sentence with its remedy; `undefined`: it can be done. */
function whatIsMissing(owner: SessionOwner, config: Config): string | undefined {
  const { store, sign_in: signIn, sealing_keys: keys } = config
  if (signIn.mode === 'off') {
    return 'Nobody signs in through this rolecall (sign_in.mode is off), so that there are no sessions to end.'
  }
  if (store.redis_url === undefined) {
    return 'There is no [store], so that no other process can be told: set sign_in.sessions_valid_after to the time now and reload, which ends every session, or restart with other sealing_keys.'
  }
  if (keys.length === 0) {
    return `There are no sealing_keys, so that every process has its own and none knows the sessions of another: set sealing_keys_file${owner.kind === 'all' ? '' : ', by which users and clients are named in the store'}.`
  }
  return undefined
}

async function whyStoreFails({ store }: Config): Promise<string | undefined> {
  const { redis_url: url } = store
  if (url === undefined) return undefined
  const examined = await examineRedis({ ...store, redis_url: url })
  return examined.kind === 'failed' ? storeFails(examined.reason) : undefined
}

function storeFails(reason: string): string {
  return `The store cannot be used (${reason}), and nothing is certain to be ended: ${redisRemedy(reason)}`
}

const CONNECTED_WITHIN_MS = 4_000
const CONNECTED_STEP_MS = 20

/** @throws StoreUnavailable */
async function untilConnected(store: Store): Promise<void> {
  const deadline = performance.now() + CONNECTED_WITHIN_MS
  for (;;) {
    try {
      await store.get('probe')
      return
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || performance.now() > deadline) throw error
      await delay(CONNECTED_STEP_MS)
    }
  }
}

async function endSessions(
  owner: SessionOwner,
  { store, config }: { readonly store: Store; readonly config: Config },
): Promise<number> {
  const clock = systemClock
  const names = new SessionNames(deriveKeys(config.sealing_keys).for('session name'))
  const ends = new SessionEnds({ store, ended: new EndedSessions(clock), clock })
  const { session_lifetime: lifetime } = config.sign_in as RelayConfig
  await ends.endOwner(names.of(owner), { before: clock.now() + 1, lifetime })
  const index = new SessionIndex({ store, names, clock })
  return index.takeOut(owner, (family) => ends.hasEnded(family))
}

function report(owner: SessionOwner, known: number, { sign_in: signIn }: Config): string {
  const whose =
    owner.kind === 'all'
      ? 'Every session'
      : `Every session of ${owner.kind} ${printable(owner.name)}`
  const passthrough =
    signIn.mode !== 'off' && signIn.tokens === 'passthrough'
      ? "Clients hold the identity provider's own tokens (sign_in.tokens is passthrough), which go on until they end.\n"
      : ''
  return `${whose} that began until now was ended; ${known} ${known === 1 ? 'was' : 'were'} known.
Refreshing is refused from now on; sealed tokens and open streams end within 15 seconds in every replica.
${passthrough}`
}
