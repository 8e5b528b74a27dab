import type { Progress } from '@modelcontextprotocol/server'
import type { ClusterRequest } from '../fleet-request.ts'

/** Tells the client how far its call is, where it wants to know. */
export async function reportProgress(
  { context }: Pick<ClusterRequest, 'context'>,
  step: Progress,
): Promise<void> {
  const progressToken = context.mcpReq._meta?.progressToken
  if (progressToken === undefined) return
  await context.mcpReq
    .notify({ method: 'notifications/progress', params: { progressToken, ...step } })
    .catch(() => undefined) // the client has left
}
