import { PODS, TEAMS } from '../../test/environment/cluster/contents.ts'
import { holmes } from '../../test/environment/mock-entra/directory.ts'
import type { Answer } from '../../test/environment/robusta/answer.ts'
import { createBackend } from '../../test/environment/robusta/backend.ts'
import type { BrowserSession } from '../../test/environment/robusta/browser-sessions.ts'
import { pickAccount } from '../../test/environment/sign-in.ts'
import type { SignedInPerson } from './who-sees-what.ts'

/** Where the walk leads. */
export interface WalkedParts {
  /** rolecall's MCP endpoint. */
  readonly mcpUrl: string
  /** The origin of the page that the popup comes back to. */
  readonly uiOrigin: string
}

/**
 * Signs one person in as HolmesGPT does, without a browser: the endpoints by discovery, the account
 * picked on the mock's page, the code redeemed and the token refreshed at rolecall's token endpoint,
 * and what the person sees looked at with each token.
 *
 * @returns what was not as it should be, in sentences; empty when all was
 */
export async function walkThroughRelay(
  { mcpUrl, uiOrigin }: WalkedParts,
  person: SignedInPerson,
): Promise<readonly string[]> {
  const backend = createBackend({ mcpUrl, clientId: holmes.client_id, namespaces: TEAMS })
  const session: BrowserSession = { pending: new Map(), connection: undefined }
  const redirectUri = `${uiOrigin}/oauth/callback.html`
  const wanted = { redirectUri, sendsResource: false, picksAccount: false }
  const begun = await backend.connect(session, wanted)
  if (begun.authorizeUrl === undefined) return [wordsOf(begun)]
  const back = await pickAccount(new URL(begun.authorizeUrl), person.username)
  const state = back.searchParams.get('state') ?? ''
  const code = back.searchParams.get('code') ?? undefined
  const signedIn = await backend.callback(session, { state, code })
  const wrong = differences(signedIn, person, `${person.username}, signed in through rolecall`)
  if (wrong.length > 0) return wrong
  const refreshed = await backend.refresh(session)
  return differences(refreshed, person, `${person.username}, refreshed through rolecall`)
}

function differences(answer: Answer, person: SignedInPerson, when: string): string[] {
  const { connection, problem } = answer
  if (!connection || problem) return [`${when}: ${wordsOf(answer)}`]
  const expected = person.teams.flatMap((team) => PODS[team])
  const seen = connection.sights.flatMap(({ pods }) => pods.map(({ name }) => name))
  const isSame = seen.join() === expected.join() && connection.person === person.clusterName
  if (isSame) return []
  return [`${when}: ${connection.person ?? 'somebody'} sees ${seen.join(', ') || 'nothing'}`]
}

function wordsOf({ problem }: Answer): string {
  return problem ? `${problem.title} ${problem.words}` : 'nobody is connected'
}
