import {
  type ClusterContents,
  clusterContents,
  type TeamGroups,
} from '../../environment/cluster/contents.ts'

/** The demo's contents where the provider knows no groups: each namespace is read by one user. */
export function userContents(readers: TeamGroups): ClusterContents {
  const { bindings, ...rest } = clusterContents(readers)
  return {
    ...rest,
    bindings: bindings.map((binding) => ({
      ...binding,
      subjects: binding.subjects.map((subject) => ({ ...subject, kind: 'User' })),
    })),
  }
}
