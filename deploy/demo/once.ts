import { setTimeout as delay } from 'node:timers/promises'
import type { Terminal } from '../../src/cli/command.ts'
import type { People, Person } from '../../test/environment/people.ts'
import { signInThroughBroker } from './broker-walk.ts'
import type { Demo } from './demo.ts'
import { walkThroughFleet } from './fleet-walk.ts'
import { walkThroughRelay } from './relay-walk.ts'
import { teamsOf } from './teams.ts'
import {
  alikeSights,
  type DemoPerson,
  differences,
  disagreements,
  lookAround,
  type Sight,
  type SignedInPerson,
  sightTable,
} from './who-sees-what.ts'

/**
 * Signs everybody in through both rolecalls, calls tools as each, and prints what each may see.
 *
 * @returns 0, or 1 when something is not as it should be, which is then told
 */
export async function lookOnce(demo: Demo, terminal: Terminal): Promise<number> {
  try {
    terminal.stdout(`\n${demo.cluster.description}\n\n`)
    const broker = await lookThroughBroker(demo)
    terminal.stdout(`Through the broker, as MCP clients sign in\n${sightTable(broker)}\n\n`)
    const { sights: relay, wrong: walked } = await lookThroughRelay(demo)
    terminal.stdout(`Through the relay, as HolmesGPT signs in\n${sightTable(relay)}\n\n`)
    const fleet = await lookThroughFleet(demo, terminal)
    const wrong = [
      ...walked,
      ...fleet,
      ...[broker, relay].flatMap((sights) => [...differences(sights), ...alikeSights(sights)]),
      ...disagreements(broker, relay),
    ]
    if (wrong.length > 0) {
      terminal.stderr(`Not as it should be:\n${wrong.map((line) => `  ${line}\n`).join('')}`)
      return 1
    }
    terminal.stdout(
      'As it should be: each sees their own, the cluster decided as whom, and both ways agree.\n' +
        'Each way rolecall redeemed the code and refreshed the token.\n',
    )
    return 0
  } catch (error) {
    // When a call fails because a part died, the part's end says more than the call's.
    await Promise.race([demo.ended, delay(1_000)])
    throw error
  }
}

/** Last, since it stops a cluster. */
async function lookThroughFleet({ fleet }: Demo, terminal: Terminal): Promise<readonly string[]> {
  if (fleet === undefined) return []
  terminal.stdout(`Through the fleet, one sign-in for all clusters\n`)
  return walkThroughFleet(fleet, (text) => terminal.stdout(`${text}\n`))
}

async function lookThroughBroker({
  broker,
  cluster,
  identityProvider,
}: Demo): Promise<readonly Sight[]> {
  const signedIn: SignedInPerson[] = []
  for (const person of peopleOf(identityProvider.people)) {
    signedIn.push({ ...person, token: await signInThroughBroker(broker.url, person.username) })
  }
  return lookAround(broker.url, signedIn, cluster)
}

interface RelayLook {
  readonly sights: readonly Sight[]
  /** What was wrong before anybody looked. */
  readonly wrong: readonly string[]
}

async function lookThroughRelay(demo: Demo): Promise<RelayLook> {
  const { relay, relayTrail, ui, cluster, identityProvider } = demo
  const parts = { mcpUrl: relay.url, uiOrigin: ui.origin, trail: relayTrail }
  const signedIn: SignedInPerson[] = []
  const wrong: string[] = []
  for (const person of peopleOf(identityProvider.people)) {
    const walk = await walkThroughRelay(parts, person)
    wrong.push(...walk.wrong)
    if (walk.token !== undefined) signedIn.push({ ...person, token: walk.token })
  }
  return { sights: await lookAround(relay.url, signedIn, cluster), wrong }
}

function peopleOf(directory: People): readonly DemoPerson[] {
  return directory.people.map((person) => ({
    username: person.username,
    clusterName: clusterNameOf(person),
    teams: teamsOf(person, directory),
  }))
}

/** A guest's tokens have no `upn`: the cluster knows them by their object id. */
function clusterNameOf({ home_tenant_id, upn, oid }: Person): string {
  return home_tenant_id === undefined ? upn : oid
}
