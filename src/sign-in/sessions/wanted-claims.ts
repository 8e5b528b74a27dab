import { readClaimsRequest } from '../../oauth/claims-request.ts'
import { ErrorAnswer } from '../../oauth/error-answer.ts'
import type { Store } from '../../store/store.ts'
import { isRegistrationId } from '../clients/registration-id.ts'
import { storeKey } from '../single-use/store-key.ts'
import { familyDigest } from './family-digest.ts'

/** For how long it is kept what a claims challenge asked for; as long as a user takes to sign in. */
const WANTED_MS = 600_000

/**
 * What claims challenges asked for (conditional access), until the next sign-in brings it: clients of
 * MCP know how to sign in again, and not what to ask for.
 *
 * By session, for its next refresh; and by client, for its next sign-in, where the id is one
 * installation's own (RFC 7591). Ids that many share (registered beforehand, metadata documents) are
 * passed over, so that nobody is asked for what another user's policy wants; such clients send `claims`
 * themselves. Only the provider and the upstream of a judged token put something in, it is taken
 * once, and what is lost costs a plain sign-in, at which the provider applies its policy all the same.
 */
export class WantedClaims {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Keeps what an upstream or the provider asked for.
   *
   * @param session `family`: as its digest
   * @param claims a claims request, JSON; another text is passed over
   */
  async keep(
    session: { readonly family?: string; readonly client: string },
    claims: string,
  ): Promise<void> {
    const request = readClaimsRequest(claims)
    if (!request) return
    const { family, client } = session
    const keys = [
      ...(family === undefined ? [] : [ofFamily(family)]),
      ...(isRegistrationId(client) ? [ofClient(client)] : []),
    ]
    // A store that is away loses it: see above.
    await Promise.allSettled(keys.map((key) => this.#store.set(key, request, WANTED_MS)))
  }

  /**
   * Keeps what the provider asks for where it refuses a grant, for the client's next sign-in: what it
   * says, else what was asked of it in vain.
   */
  async whileAsking<T>(
    { client }: { readonly client: string },
    asked: string | undefined,
    asking: Promise<T>,
  ): Promise<T> {
    try {
      return await asking
    } catch (error) {
      const claims =
        error instanceof ErrorAnswer && error.status === 400 ? (error.claims ?? asked) : undefined
      if (claims !== undefined) await this.keep({ client }, claims)
      throw error
    }
  }

  /** What the next refresh of a session asks for. */
  ofSession({ family }: { readonly family: string }): Promise<string | undefined> {
    return this.#read(ofFamily(familyDigest(family)))
  }

  /** What the next sign-in of a client asks for, once. */
  async takeForClient(client: string): Promise<string | undefined> {
    if (!isRegistrationId(client)) return undefined
    const request = await this.#read(ofClient(client))
    if (request !== undefined) await this.#drop(ofClient(client))
    return request
  }

  /** A session got what was asked for. */
  async settle({ family, client }: { readonly family: string; readonly client: string }) {
    await Promise.all([this.#drop(ofFamily(familyDigest(family))), this.#drop(ofClient(client))])
  }

  async #read(key: string): Promise<string | undefined> {
    const kept = await this.#store.get(key).catch(() => undefined)
    return readClaimsRequest(kept ?? '') || undefined
  }

  async #drop(key: string): Promise<void> {
    await this.#store.delete(key).catch(() => undefined)
  }
}

function ofFamily(digest: string): string {
  return storeKey('wanted', `session ${digest}`)
}

function ofClient(id: string): string {
  return storeKey('wanted', `client ${id}`)
}
