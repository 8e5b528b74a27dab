import { PODS, TEAMS } from '../../test/environment/cluster/contents.ts'
import { holmes } from '../../test/environment/mock-entra/directory.ts'
import type { Answer, TracedCall } from '../../test/environment/robusta/answer.ts'
import { createBackend } from '../../test/environment/robusta/backend.ts'
import type { BrowserSession } from '../../test/environment/robusta/browser-sessions.ts'
import { pickAccount } from '../../test/environment/sign-in.ts'
import type { Trail } from '../../test/environment/trail/trail.ts'
import type { DemoPerson } from './who-sees-what.ts'

/** Where the walk leads. */
export interface WalkedParts {
  /** rolecall's MCP endpoint. */
  readonly mcpUrl: string
  /** The origin of the page that the popup comes back to. */
  readonly uiOrigin: string
  readonly trail: Trail
}

/** How a walk ended: with a token, or with what was not as it should be, in sentences. */
export interface Walk {
  readonly token?: string
  readonly wrong: readonly string[]
}

/**
 * Signs one person in as HolmesGPT does, without a browser: the endpoints by discovery, the account
 * picked on the mock's page, the code redeemed and the token refreshed at rolecall's token endpoint.
 * What the person sees, and what rolecall and the cluster wrote of it, is looked at with each token.
 *
 * @returns the refreshed token
 */
export async function walkThroughRelay(
  { mcpUrl, uiOrigin, trail }: WalkedParts,
  person: DemoPerson,
): Promise<Walk> {
  const backend = createBackend({ mcpUrl, clientId: holmes.client_id, namespaces: TEAMS, trail })
  const session: BrowserSession = { pending: new Map(), connection: undefined }
  const redirectUri = `${uiOrigin}/oauth/callback.html`
  const wanted = { redirectUri, sendsResource: false, picksAccount: false }
  const begun = await backend.connect(session, wanted)
  if (begun.authorizeUrl === undefined) return { wrong: [wordsOf(begun)] }
  const back = await pickAccount(new URL(begun.authorizeUrl), person.username)
  const state = back.searchParams.get('state') ?? ''
  const code = back.searchParams.get('code') ?? undefined
  const signedIn = await backend.callback(session, { state, code })
  const wrong = differences(signedIn, person, `${person.username}, signed in through the relay`)
  if (wrong.length > 0) return { wrong }
  const refreshed = await backend.refresh(session)
  const token = session.connection?.tokens.accessToken
  return {
    ...(token !== undefined && { token }),
    wrong: differences(refreshed, person, `${person.username}, refreshed through the relay`),
  }
}

function differences(answer: Answer, person: DemoPerson, when: string): string[] {
  const { connection, problem } = answer
  if (!connection || problem) return [`${when}: ${wordsOf(answer)}`]
  const expected = person.teams.flatMap((team) => PODS[team])
  const seen = connection.sights.flatMap(({ pods }) => pods.map(({ name }) => name))
  const isSame = seen.join() === expected.join() && connection.person === person.clusterName
  const others = isSame
    ? []
    : [`${when}: ${connection.person ?? 'somebody'} sees ${seen.join(', ') || 'nothing'}`]
  const untold = connection.calls.filter((call) => !isTold(call, person))
  const sentences = untold.map(({ namespace }) => {
    return `${when}: what rolecall and the cluster wrote of ${namespace} is not of them alone`
  })
  return [...others, ...sentences]
}

/** rolecall and the cluster both wrote of the call, and both wrote this person. */
function isTold({ rolecall, cluster }: TracedCall, { clusterName }: DemoPerson): boolean {
  const isLet = rolecall?.decision === 'allow' && rolecall.user === clusterName
  return isLet && cluster.length > 0 && cluster.every(({ user }) => user === clusterName)
}

function wordsOf({ problem }: Answer): string {
  return problem ? `${problem.title} ${problem.words}` : 'nobody is connected'
}
