import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../src/clock.ts'
import { ErrorAnswer } from '../../src/oauth/error-answer.ts'
import { deriveKeys } from '../../src/sealing/derived-keys.ts'
import { EndedSessions } from '../../src/sign-in/sessions/ended-sessions.ts'
import { SessionEnds } from '../../src/sign-in/sessions/session-ends.ts'
import { createSingleUse } from '../../src/sign-in/single-use/redeem-once.ts'
import type {
  Redeemable,
  RedeemableRefreshToken,
  SingleUse,
} from '../../src/sign-in/single-use/single-use.ts'
import type { IssuedTokens } from '../../src/sign-in/token/token-response.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import {
  type EndingMember,
  type LogEntry,
  type LogPosition,
  type SharedStore,
  type Store,
  StoreUnavailable,
} from '../../src/store/store.ts'
import { SimulatedClock } from './clock.ts'

export const keys = deriveKeys([Buffer.alloc(32, 1).toString('base64url')]).for('stored answer')

const day = 86_400_000
const minute = 60_000

/**
 * A refresh token of a sign-in that ends in a day. By its name `a`, `b`, `c` one follows the other;
 * every other name is the first of a family.
 */
export function refresh(
  id: string,
  family = 'family',
  now = Date.now(),
  user = 'alice',
): RedeemableRefreshToken {
  const generation = Math.max(0, 'abcdefgh'.indexOf(id))
  return {
    kind: 'refresh_token',
    id: `${id} of ${family}`,
    family,
    generation,
    user,
    familyUntil: now + day,
  }
}

/** A code of such a sign-in. */
export function code(id: string, family = 'family', now = Date.now()): Redeemable {
  return { kind: 'code', id, family, until: now + minute, familyUntil: now + day }
}

/** Stands for the identity provider: every redemption that happens has another answer. */
export class Redemptions {
  count = 0

  readonly succeed = async (): Promise<IssuedTokens> => {
    this.count += 1
    return {
      identity: {
        iss: 'https://idp.test',
        sub: 'alice-at-the-idp',
        user: 'alice',
        token_id: 'tid',
      },
      answer: {
        access_token: `access-token-${this.count}`,
        token_type: 'Bearer',
        expires_in: 3600,
        refresh_token: `refresh-token-${this.count}`,
      },
    }
  }

  failing(error: Error): () => Promise<IssuedTokens> {
    return async () => {
      this.count += 1
      throw error
    }
  }
}

/** A redemption that ends when the test says so. */
export function slow(redeem: () => Promise<IssuedTokens>) {
  const { promise: began, resolve: begin } = deferred()
  const { promise: ended, resolve: end } = deferred()
  return {
    began,
    end,
    redeem: async () => {
      begin()
      await ended
      return redeem()
    },
  }
}

export async function refusalOf(use: Promise<unknown>): Promise<ErrorAnswer> {
  return use.then(
    () => assert.fail('it was answered'),
    (error: unknown) => (error instanceof ErrorAnswer ? error : assert.fail(String(error))),
  )
}

/** What each use came to: the access token, or the reason in the log. */
export async function outcomesOf(uses: readonly Promise<IssuedTokens>[]): Promise<string[]> {
  return Promise.all(
    uses.map((use) =>
      use.then(
        ({ answer }) => answer.access_token,
        (error: unknown) => (error instanceof ErrorAnswer ? error.reason : String(error)),
      ),
    ),
  )
}

/** Like Redis, but in memory and with faults that a test chooses. */
export class FaultyStore implements SharedStore {
  readonly shared = true
  readonly memory: MemoryStore
  /** `before`: nothing is done; `after`: it is done, and nobody is told. */
  fault: 'none' | 'before' | 'after' = 'none'
  readonly logs = new Map<string, readonly LogEntry[]>()
  readonly sets = new Map<string, readonly EndingMember[]>()
  /** How many values are marked as used. */
  marked = 0

  constructor(clock: SimulatedClock) {
    this.memory = new MemoryStore(clock)
  }

  get = (key: string) => this.#ask(() => this.memory.get(key))
  set = (key: string, value: string, ttl: number) =>
    this.#ask(async () => {
      await this.memory.set(key, value, ttl)
      if (/^(?:session|code):/.test(key)) this.marked += 1
    })
  setIfAbsent = (key: string, value: string, ttl: number) =>
    this.#ask(() => this.memory.setIfAbsent(key, value, ttl))
  delete = (key: string) => this.#ask(() => this.memory.delete(key))
  append = (log: string, text: string) =>
    this.#ask(async () => {
      const entries = this.logs.get(log) ?? []
      this.logs.set(log, [...entries, { position: `${entries.length + 1}-0`, text }])
    })
  readLog = (log: string, after: LogPosition | undefined, most: number) =>
    this.#ask(async () => {
      const entries = this.logs.get(log) ?? []
      return entries.filter((entry) => isLater(entry, after)).slice(0, most)
    })
  addMember = (set: string, member: EndingMember) =>
    this.#ask(async () => {
      this.sets.set(set, [...(this.sets.get(set) ?? []), member])
    })
  removeMembers = (set: string, members: readonly string[]) =>
    this.#ask(async () => {
      const left = (this.sets.get(set) ?? []).filter(({ name }) => !members.includes(name))
      this.sets.set(set, left)
    })
  async *membersOf(set: string): AsyncIterable<readonly EndingMember[]> {
    yield await this.#ask(async () => this.sets.get(set) ?? [])
  }
  close(): void {}

  async #ask<T>(work: () => Promise<T>): Promise<T> {
    const { fault } = this
    if (fault === 'before') throw new StoreUnavailable('ECONNREFUSED')
    const answer = await work()
    if (fault === 'after') throw new StoreUnavailable('timeout')
    return answer
  }
}

function isLater({ position }: LogEntry, after: LogPosition | undefined): boolean {
  return Number.parseInt(position, 10) > Number.parseInt(after ?? '0', 10)
}

/** What one process knows and tells of ended sessions. */
export function endsIn(store: Store, clock: Clock): SessionEnds {
  return new SessionEnds({ store, ended: new EndedSessions(clock), clock })
}

/** Two processes, as far as single use goes, over one store. */
export function twoProcesses() {
  // Sealing happens in another thread.
  const clock = new SimulatedClock(undefined, () => delay(2))
  const store = new FaultyStore(clock)
  const process = (): SingleUse =>
    createSingleUse({ store, keys, ends: endsIn(store, clock), clock })
  return { clock, store, one: process(), other: process() }
}

function deferred() {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
