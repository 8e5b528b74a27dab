import { once } from 'node:events'
import { request } from 'node:https'
import type { Cluster } from '../../environment/cluster/cluster.ts'

/** What the API server itself answers somebody with this bearer who asks for the pods of a namespace. */
export async function apiServerAnswers(
  { server, certificateAuthority: ca }: Pick<Cluster, 'server' | 'certificateAuthority'>,
  token: string,
  namespace: string,
): Promise<number> {
  const url = `${server}/api/v1/namespaces/${namespace}/pods`
  const asked = request(url, { ca, agent: false, headers: { authorization: `Bearer ${token}` } })
  asked.end()
  const [answer] = await once(asked, 'response')
  answer.resume()
  return answer.statusCode
}
