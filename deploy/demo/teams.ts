import { TEAMS, type Team, type TeamGroups } from '../../test/environment/cluster/contents.ts'
import type { People, Person } from '../../test/environment/people.ts'

/**
 * The group of each team.
 *
 * @throws when the directory has none of that name
 */
export function teamGroups(people: People): TeamGroups {
  const groupId = (team: Team): string => {
    const group = people.groups.find(({ name }) => name === team)
    if (!group) throw new Error(`there is no group "${team}" in the people's file`)
    return group.id
  }
  return { 'team-a': groupId('team-a'), 'team-b': groupId('team-b') }
}

/** The teams that a person is in. */
export function teamsOf(person: Person, people: People): Team[] {
  const groups = teamGroups(people)
  return TEAMS.filter((team) => person.groups.includes(groups[team]))
}

/** What the cluster lets a person see, in a few words for people. */
export function rightsOf(person: Person, people: People): string {
  const teams = teamsOf(person, people)
  const others = TEAMS.filter((team) => !teams.includes(team))
  if (teams.length === 0) return 'is in no group: may see nothing in this cluster'
  const not = others.length === 0 ? '' : `, not ${others.join(', ')}`
  return `may see the namespace ${teams.join(', ')}${not}`
}
