/** A Kubernetes object as it would be posted to an API server. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMetadata
  readonly [field: string]: unknown
}

export interface ObjectMetadata {
  readonly name: string
  readonly namespace?: string
  readonly labels?: Readonly<Record<string, string>>
}

export interface ClusterRole extends KubernetesObject {
  readonly kind: 'ClusterRole'
  readonly rules: readonly PolicyRule[]
}

export interface PolicyRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

export interface RoleBinding extends KubernetesObject {
  readonly kind: 'RoleBinding'
  readonly metadata: ObjectMetadata & { readonly namespace: string }
  readonly roleRef: {
    readonly apiGroup: 'rbac.authorization.k8s.io'
    readonly kind: 'ClusterRole'
    readonly name: string
  }
  readonly subjects: readonly Subject[]
}

export interface Subject {
  readonly apiGroup: 'rbac.authorization.k8s.io'
  readonly kind: 'User' | 'Group'
  readonly name: string
}

/**
 * What is in the demo's cluster, as plain data: the stand-in answers from it, a real API server is
 * seeded with it. The objects stand in the order in which a real API server takes them.
 */
export interface ClusterContents {
  readonly objects: readonly KubernetesObject[]
  readonly roles: readonly ClusterRole[]
  readonly bindings: readonly RoleBinding[]
  /** Log texts by `<namespace>/<pod>`. A real API server has none: no kubelet runs there. */
  readonly podLogs: ReadonlyMap<string, string>
}

/** The demo's two namespaces, each read by the group of the same name. */
export const TEAMS = ['team-a', 'team-b'] as const
export type Team = (typeof TEAMS)[number]

/** Object ids of the groups, as they stand in a token's `groups`. */
export type TeamGroups = Readonly<Record<Team, string>>

/** The pods of each team. */
export const PODS: Readonly<Record<Team, readonly string[]>> = {
  'team-a': ['shop-web', 'shop-worker'],
  'team-b': ['billing-api', 'billing-ledger'],
}

const READER = 'team-reader'
const RBAC = 'rbac.authorization.k8s.io'

/**
 * The contents of the demo's cluster: in each team's namespace two pods, a service, a config map
 * and an event, which that team's group may get, list and watch. Nobody else may do anything.
 */
export function clusterContents(groups: TeamGroups): ClusterContents {
  return {
    objects: TEAMS.flatMap(namespaceObjects),
    roles: [readerRole()],
    bindings: TEAMS.map((team) => readerBinding(team, groups[team])),
    podLogs: new Map(
      TEAMS.flatMap((team) =>
        PODS[team].map((pod) => [`${team}/${pod}`, `${pod} of ${team}: listening on :8080\n`]),
      ),
    ),
  }
}

function namespaceObjects(team: Team): KubernetesObject[] {
  const [first = team] = PODS[team]
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: team, labels: { 'kubernetes.io/metadata.name': team } },
      status: { phase: 'Active' },
    },
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: team },
      automountServiceAccountToken: false,
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', namespace: team },
      data: { owner: team },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: first, namespace: team },
      spec: { selector: { app: first }, ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] },
    },
    ...PODS[team].map((pod) => podObject(team, pod)),
    startedEvent(team, first),
  ]
}

function podObject(namespace: string, name: string): KubernetesObject {
  const image = `registry.example.com/${name}:1.0`
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app: name } },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image }] },
    status: {
      phase: 'Running',
      podIP: '10.244.0.10',
      containerStatuses: [
        { name: 'main', image, imageID: '', ready: true, restartCount: 0, state: { running: {} } },
      ],
    },
  }
}

function startedEvent(namespace: string, pod: string): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${pod}.started`, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', name: pod, namespace },
    type: 'Normal',
    reason: 'Started',
    message: `Started container main of ${pod}`,
    source: { component: 'kubelet', host: 'node-1' },
    count: 1,
  }
}

function readerRole(): ClusterRole {
  const resources = ['pods', 'pods/log', 'events', 'services', 'configmaps']
  return {
    apiVersion: `${RBAC}/v1`,
    kind: 'ClusterRole',
    metadata: { name: READER },
    rules: [{ apiGroups: [''], resources, verbs: ['get', 'list', 'watch'] }],
  }
}

function readerBinding(team: Team, group: string): RoleBinding {
  return {
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata: { name: `${team}-readers`, namespace: team },
    roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: READER },
    subjects: [{ apiGroup: RBAC, kind: 'Group', name: group }],
  }
}
