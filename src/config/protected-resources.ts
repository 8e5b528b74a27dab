import type { Config, ProtectedResource } from './config.ts'

/** Everything that clients sign in for: the resources, and after them the fleet. */
export function protectedResources({
  resources,
  fleet,
}: Pick<Config, 'resources' | 'fleet'>): readonly ProtectedResource[] {
  return fleet === undefined ? resources : [...resources, fleet.resource]
}
