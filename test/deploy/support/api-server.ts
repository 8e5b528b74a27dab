import { Agent, fetch } from 'undici'
import { pollUntil } from '../../environment/cluster/real/admin.ts'
import { objectsIn } from './helm.ts'
import { type KubernetesObject, specOf } from './objects.ts'

/** Where each kind is, and whether it has a namespace. */
const KINDS: Readonly<Record<string, string>> = {
  ConfigMap: 'api/v1/namespaces/holmes/configmaps',
  Pod: 'api/v1/namespaces/holmes/pods',
  Service: 'api/v1/namespaces/holmes/services',
  ServiceAccount: 'api/v1/namespaces/holmes/serviceaccounts',
  Deployment: 'apis/apps/v1/namespaces/holmes/deployments',
  HorizontalPodAutoscaler: 'apis/autoscaling/v2/namespaces/holmes/horizontalpodautoscalers',
  HTTPRoute: 'apis/gateway.networking.k8s.io/v1/namespaces/holmes/httproutes',
  Ingress: 'apis/networking.k8s.io/v1/namespaces/holmes/ingresses',
  NetworkPolicy: 'apis/networking.k8s.io/v1/namespaces/holmes/networkpolicies',
  PodDisruptionBudget: 'apis/policy/v1/namespaces/holmes/poddisruptionbudgets',
  PrometheusRule: 'apis/monitoring.coreos.com/v1/namespaces/holmes/prometheusrules',
  ServiceMonitor: 'apis/monitoring.coreos.com/v1/namespaces/holmes/servicemonitors',
}

/** A real API server with a namespace for the chart, as its administrator. */
export interface ApiServer {
  /** Creates or changes by server-side apply, strictly; or only tries to. */
  apply(object: KubernetesObject, options?: { dryRun?: boolean }): Promise<string>
  send(method: string, path: string, body?: object): Promise<string>
  /** Defines further kinds, and waits until they are served. */
  define(text: string): Promise<void>
  readonly kubeconfig: object
  close(): Promise<void>
}

export interface Access {
  readonly server: string
  readonly certificateAuthority: string
  readonly adminToken: string
}

export function connectApiServer(access: Access): ApiServer {
  const { server, certificateAuthority: certificate, adminToken: token } = access
  const agent = new Agent({ connect: { ca: certificate } })
  const ask = async (method: string, path: string, body?: object, type = 'application/json') => {
    const answer = await fetch(`${server}/${path}`, {
      method,
      dispatcher: agent,
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} /${path}: ${answer.status} ${text}`)
    const warning = answer.headers.get('warning')
    if (warning !== null) throw new Error(`${method} /${path}: ${warning}`)
    return text
  }
  const isServed = (kind: string): Promise<boolean> =>
    ask('GET', pathOf(kind)).then(
      () => true,
      () => false,
    )
  return {
    send: ask,
    close: () => agent.destroy(),
    define: async (text) => {
      for (const definition of objectsIn(text)) {
        await ask('POST', 'apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition)
        const { kind = '' } = specOf<{ names: { kind: string } }>(definition).names ?? {}
        const never = new AbortController().signal
        if (!(await pollUntil(() => isServed(kind), never, 20_000))) {
          throw new Error(`${kind} was defined and is not served`)
        }
      }
    },
    apply: async (object, { dryRun = false } = {}) => {
      const { kind, metadata } = object
      const query = `fieldManager=test&fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`
      const path = `${pathOf(kind)}/${metadata.name}?${query}`
      return await ask('PATCH', path, object, 'application/apply-patch+yaml')
    },
    kubeconfig: {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'real',
          cluster: {
            server,
            'certificate-authority-data': Buffer.from(certificate).toString('base64'),
          },
        },
      ],
      users: [{ name: 'admin', user: { token } }],
      contexts: [{ name: 'real', context: { cluster: 'real', user: 'admin' } }],
      'current-context': 'real',
    },
  }
}

/** Where objects of a kind are, in the namespace of the chart. */
export function pathOf(kind: string): string {
  const path = KINDS[kind]
  if (path === undefined) throw new Error(`nobody said where ${kind} is`)
  return path
}
