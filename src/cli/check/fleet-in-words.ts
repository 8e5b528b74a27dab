import type { Config } from '../../config/config.ts'

/** Which clusters the fleet has, and what of them is there for whom; nothing where there is no fleet. */
export function fleetInWords({ fleet, resources, public_url: url }: Config): readonly string[] {
  if (fleet === undefined) return []
  const { members, resource, fan_out: fansOut } = fleet
  const clusters = resources.filter(({ name }) => members.includes(name))
  return [
    '',
    `The fleet at ${url}${resource.path} has ${clusters.length === 1 ? 'one cluster' : `${clusters.length} clusters`}:`,
    ...clusters.map((cluster) => `  ${clusterWords(cluster)}`),
    `  ${fansOut ? 'Tools that only read can be called on several at once.' : 'Each call is for one of them (fan_out = false).'}`,
  ]
}

function clusterWords(resource: Config['resources'][number]): string {
  const { name, description, labels, required_groups: groups, clusters_from: argument } = resource
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return [
    description === undefined ? name : `${name} (${description})`,
    ...(pairs.length === 0 ? [] : [pairs.join(', ')]),
    ...(groups.length === 0 ? [] : [`for those in ${groups.join(' or ')}`]),
    ...(argument === undefined ? [] : [`as the "${argument}" of its MCP server`]),
  ].join('; ')
}
