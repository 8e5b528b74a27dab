import { fileURLToPath } from 'node:url'
import { freePort } from '../../environment/ports.ts'
import { CORE, startPinned } from '../pinned-process.ts'
import { asItIs, type Gateway, type Setup } from './gateway.ts'

const PROGRAM = fileURLToPath(new URL('./stock-proxy.ts', import.meta.url))

/** @fastify/http-proxy as it comes; `verifies`: with jose on every request. */
export async function startStock(
  { upstream, authority, tenantId }: Setup,
  verifies: boolean,
): Promise<Gateway> {
  const port = await freePort()
  const keys = verifies ? [`${authority}/${tenantId}/discovery/v2.0/keys`] : []
  const command = [process.execPath, '--import', 'tsx', PROGRAM, String(port), upstream, ...keys]
  const pid = await startPinned(CORE.measured, command, { port })
  const name = verifies
    ? '@fastify/http-proxy, jose each time'
    : '@fastify/http-proxy, no authentication'
  return {
    name,
    url: `http://127.0.0.1:${port}/mcp`,
    pid,
    hold: asItIs,
    judges: verifies,
    onV8: true,
  }
}
