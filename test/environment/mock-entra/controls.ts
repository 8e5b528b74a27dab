import { findPerson } from '../people.ts'
import { isErrorCode } from './errors.ts'
import { type MintRequest, mint } from './mint.ts'
import {
  clientOf,
  type Failure,
  type Faults,
  type FixedAnswer,
  type MockState,
  noFaults,
} from './state.ts'

/** What a test or the demo can do to a running mock. Everything takes effect at once. */
export interface MockControls {
  /** A token of any kind, good or bad. Without a request: the first person's, for AKS. */
  mint(request?: MintRequest): Promise<string>
  /** Publishes a new key and signs with it; the others stay published. Returns its id. */
  rotate(): Promise<string>
  /** Publishes a new key that does not sign yet. Returns its id. */
  addKey(): Promise<string>
  useKey(kid: string): void
  /** Takes a key out of the key set. The one that signs goes on signing. */
  retireKey(kid: string): void
  keyIds(): { readonly current: string; readonly published: readonly string[] }
  outage(mode: Faults['outage']): void
  /** Every answer is late by this many milliseconds; 0 ends it. */
  slow(delay: number): void
  /** The mock's clock is ahead by this many milliseconds; 0 ends it. */
  skew(milliseconds: number): void
  /** Discovery names this issuer; `undefined` ends it. */
  wrongIssuer(issuer: string | undefined): void
  rfc8414(mode: Faults['rfc8414']): void
  /** `Cache-Control` of the key sets; `undefined`: none. */
  keysCacheControl(value: string | undefined): void
  /** Answers requests for this path in place of the mock; `undefined` ends it. */
  answer(path: string, fixed: FixedAnswer | undefined): void
  /**
   * Conditional access: this person's tokens are refused (AADSTS50076) unless the sign-in asked for
   * these claims; `undefined` ends it.
   */
  demand(username: string, claims: object | undefined): void
  /** Makes requests end in an AADSTS error. */
  fail(failure: Failure): void
  /** The client's secret is this one from now on. Codes and refresh tokens stay. */
  changeSecret(clientId: string, secret: string): void
  /** Ends this person's refresh tokens and codes. They may sign in again. */
  revoke(username: string): void
  /** This person can neither sign in nor refresh. */
  disable(username: string): void
  enable(username: string): void
  /** Every authorize request is answered for this person, without the page. */
  signInAs(username: string | undefined): void
  /** How many requests there were, for one path or for all; controls do not count. */
  requests(path?: string): number
  requestsByPath(): Readonly<Record<string, number>>
  /** Ends every fault, and counts from zero. Keys, secrets, people and tokens stay as they are. */
  reset(): void
}

/** The controls of a mock with this state. */
export function controlsOf(state: MockState): MockControls {
  return {
    mint: (request = {}) => mint(state, request),
    ...keyControls(state),
    ...faultControls(state),
    ...personControls(state),
    changeSecret: (clientId, secret) => changeSecret(state, clientId, secret),
    requests(path) {
      if (path !== undefined) return state.requests.get(path) ?? 0
      return [...state.requests.values()].reduce((sum, count) => sum + count, 0)
    },
    requestsByPath: () => Object.fromEntries(state.requests),
    reset() {
      Object.assign(state.faults, noFaults())
      state.disabled.clear()
      state.requests.clear()
      state.signedInAs = undefined
    },
  }
}

type KeyControls = Pick<MockControls, 'rotate' | 'addKey' | 'useKey' | 'retireKey' | 'keyIds'>

function keyControls({ keys }: MockState): KeyControls {
  return {
    async rotate() {
      const kid = await keys.add()
      keys.use(kid)
      return kid
    },
    addKey: () => keys.add(),
    useKey: (kid) => keys.use(kid),
    retireKey: (kid) => keys.retire(kid),
    keyIds: () => ({
      current: keys.current().kid,
      published: keys.published().map(({ kid }) => kid),
    }),
  }
}

type FaultControls = Pick<
  MockControls,
  'outage' | 'slow' | 'skew' | 'wrongIssuer' | 'rfc8414' | 'keysCacheControl' | 'answer' | 'fail'
>

function faultControls({ faults }: MockState): FaultControls {
  return {
    outage(mode) {
      faults.outage = mode
    },
    slow(delay) {
      faults.delay = delay
    },
    skew(milliseconds) {
      faults.skew = milliseconds
    },
    wrongIssuer(issuer) {
      faults.issuer = issuer
    },
    rfc8414(mode) {
      faults.rfc8414 = mode
    },
    keysCacheControl(value) {
      faults.keysCacheControl = value
    },
    answer(path, fixed) {
      if (fixed) faults.answers.set(path, fixed)
      else faults.answers.delete(path)
    },
    fail(failure) {
      if (!isErrorCode(failure.code)) throw new Error(`AADSTS${failure.code} is not known here`)
      faults.failures = [...faults.failures, failure]
    },
  }
}

function changeSecret(state: MockState, clientId: string, secret: string): void {
  const changed = { ...clientOf(state, clientId), client_secret: secret }
  state.clients = state.clients.map((one) => (one.client_id === clientId ? changed : one))
}

type PersonControls = Pick<MockControls, 'revoke' | 'disable' | 'enable' | 'signInAs' | 'demand'>

function personControls(state: MockState): PersonControls {
  const oidOf = (username: string) => findPerson(state.people, username).oid
  return {
    revoke(username) {
      const oid = oidOf(username)
      for (const [text, { person }] of state.refreshTokens) {
        if (person.oid === oid) state.revoked.add(text)
      }
      for (const [text, { person }] of state.codes) {
        if (person.oid === oid) state.codes.delete(text)
      }
    },
    demand(username, claims) {
      const { demands } = state.faults
      if (claims === undefined) demands.delete(oidOf(username))
      else demands.set(oidOf(username), JSON.stringify(claims))
    },
    disable(username) {
      state.disabled.add(oidOf(username))
    },
    enable(username) {
      state.disabled.delete(oidOf(username))
    },
    signInAs(username) {
      if (username !== undefined) oidOf(username)
      state.signedInAs = username
    },
  }
}
