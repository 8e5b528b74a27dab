import assert from 'node:assert/strict'
import { PODS, type Team } from '../../../src/demo/cluster/contents.ts'
import type { Holmes } from './holmes.ts'

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
