import { endMemberSession } from './calls/end-member-session.ts'
import { mapAtMost } from './concurrency.ts'
import type { Fleet } from './fleet.ts'
import type { FleetRequest } from './fleet-request.ts'
import { clustersOf } from './view.ts'

const CLUSTERS_AT_ONCE = 8

/**
 * Ends what a session of the fleet (revisions up to 2025-11-25) has at its clusters. Some clients begin
 * one for each call, and would leave as many behind at each cluster.
 */
export async function endSession(fleet: Fleet, request: FleetRequest): Promise<void> {
  fleet.state.ended.add(request.session)
  const { standings } = await clustersOf(fleet, request)
  const permitted = standings.filter((standing) => standing.kind === 'permitted')
  await mapAtMost(permitted, CLUSTERS_AT_ONCE, (standing) =>
    endMemberSession(fleet.callTo(standing, request)),
  )
}
