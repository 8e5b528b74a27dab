import { clusterContents } from '../../environment/cluster/contents.ts'
import { startStandInCluster } from '../../environment/cluster/stand-in/stand-in.ts'
import { startKubernetesMcpServer } from '../../environment/kubernetes-mcp-server.ts'
import { startTestIssuer } from '../../support/test-issuer.ts'
import type { World } from '../world.ts'

/**
 * The real kubernetes-mcp-server before a cluster.
 *
 * @param ownCredential its kubeconfig has a token, and it asks callers for none
 */
export async function realServer(
  world: World,
  { ownCredential }: { readonly ownCredential: boolean },
): Promise<{ readonly upstream: string }> {
  const issuer = await startTestIssuer((close) => world.after(close))
  const { identityProvider } = issuer
  const contents = clusterContents({ 'team-a': 'group-a', 'team-b': 'group-b' })
  const cluster = await startStandInCluster({ identityProvider, contents })
  world.after(() => cluster.close())
  const { issuer: iss, audience: aud, tenantId: tid } = identityProvider
  const exp = Math.floor(Date.now() / 1000) + 600
  const claims = { iss, aud, tid, exp, oid: 'itself', upn: 'the-server-itself' }
  const server = await startKubernetesMcpServer({
    cluster,
    ...(ownCredential && {
      requireOauth: false,
      kubeconfigToken: await issuer.sign({ ...claims, groups: ['group-a'] }),
    }),
  })
  world.after(() => server.close())
  return { upstream: server.url }
}
