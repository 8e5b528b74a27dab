/** As much of Kubernetes' objects as the tests look at. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Labels
    readonly annotations?: Labels
  }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: Spec
}

export type Labels = Readonly<Record<string, string>>

export interface Spec {
  readonly podSelector?: Selector
  readonly selector?: Labels | Selector
  readonly policyTypes?: readonly string[]
  readonly ingress?: readonly PolicyRule[]
  readonly egress?: readonly PolicyRule[]
  readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec }
  readonly [key: string]: unknown
}

export interface Selector {
  readonly matchLabels?: Labels
}

export interface PolicyRule {
  readonly from?: readonly Peer[]
  readonly to?: readonly Peer[]
  readonly ports?: readonly { readonly port: number; readonly protocol?: string }[]
}

export interface Peer {
  readonly podSelector?: Selector
  readonly namespaceSelector?: Selector
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] }
}

export interface PodSpec {
  readonly containers: readonly Container[]
  readonly volumes?: readonly Volume[]
  readonly [key: string]: unknown
}

export interface Container {
  readonly name: string
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
  readonly [key: string]: unknown
}

export interface Volume {
  readonly name: string
  readonly configMap?: { readonly name: string }
  readonly secret?: { readonly secretName: string }
  readonly projected?: {
    readonly sources: readonly { readonly serviceAccountToken?: { readonly path: string } }[]
  }
}

/** The one object of a kind, and with a name where several are. */
export function objectOf(
  objects: readonly KubernetesObject[],
  kind: string,
  name?: string,
): KubernetesObject {
  const found = objects.filter(
    (object) => object.kind === kind && (name === undefined || object.metadata.name === name),
  )
  const [first] = found
  if (first === undefined || found.length > 1) {
    throw new Error(`${found.length} objects are ${kind} ${name ?? ''}`)
  }
  return first
}

/** Whether labels satisfy a selector; one without terms selects everything. */
export function selects(selector: Selector | undefined, labels: Labels): boolean {
  return Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
}

/** The part of an object's specification that a test looks at, as it expects it. */
export function specOf<T extends object>(object: KubernetesObject): Partial<T> {
  return (object.spec ?? {}) as Partial<T>
}
