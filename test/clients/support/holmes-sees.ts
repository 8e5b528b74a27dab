import assert from 'node:assert/strict'
import { PODS, type Team } from '../../environment/cluster/contents.ts'
import type { MockEntra } from '../../environment/mock-entra/mock-entra.ts'
import type { Holmes } from './holmes.ts'
import { TOOLSET } from './holmes-stack.ts'

/** The call by which is seen who somebody is to the cluster. */
export const podsIn = (namespace: Team) => ({
  tool: 'pods_list_in_namespace',
  arguments: { namespace },
})

const OTHER: Readonly<Record<Team, Team>> = { 'team-a': 'team-b', 'team-b': 'team-a' }

/** That this person sees the pods of their team alone, without being asked to sign in. */
export async function assertSees(holmes: Holmes, person: string, team: Team): Promise<void> {
  // One after the other: results of one turn come in any order.
  const turns = [
    await holmes.chat(person, [podsIn(team)]),
    await holmes.chat(person, [podsIn(OTHER[team])]),
  ]
  assert.deepEqual(
    turns.flatMap(({ approvals }) => approvals),
    [],
    `${person} is asked to sign in`,
  )
  const [own, other] = turns.flatMap(({ results }) => results)
  assert.ok(own && other)
  assert.equal(own.status, 'success', own.text)
  for (const pod of PODS[team]) assert.ok(own.text.includes(pod), `${pod}: ${own.text}`)
  assert.equal(other.status, 'error', other.text)
  assert.match(other.text, new RegExp(`pods is forbidden: User .*${person}@contoso\\.test`))
}

/** The same for alice, who is in team-a. */
export function assertAliceSeesHers(holmes: Holmes): Promise<void> {
  return assertSees(holmes, 'alice', 'team-a')
}

/**
 * That eight calls of alice in one turn succeed though her token has expired, without a word to her,
 * and that Entra is asked once, whatever HolmesGPT asks.
 */
export async function assertEightRefreshAsOne(entra: MockEntra, holmes: Holmes): Promise<void> {
  await holmes.expire('alice', TOOLSET)
  const tokenPath = `/${entra.tenantId}/oauth2/v2.0/token`
  const asked = entra.requests(tokenPath)
  // So that they have begun before the first has its answer.
  entra.slow(500)
  const { results, approvals } = await holmes.chat('alice', Array(8).fill(podsIn('team-a')))
  entra.slow(0)
  assert.deepEqual(approvals, [])
  assert.deepEqual(
    results.map(({ status }) => status),
    Array(8).fill('success'),
  )
  assert.equal(entra.requests(tokenPath), asked + 1)
}
