import { field } from '../object-field.ts'
import type { StoredObject } from './store.ts'

/** A column of a `meta.k8s.io/v1` Table; priority 1 is shown only in wide output. */
interface Column {
  readonly name: string
  readonly priority?: number
  readonly type?: 'string' | 'integer'
  cell(object: StoredObject, now: number): string | number
}

const nameColumn: Column = { name: 'Name', cell: (object) => object.metadata.name }
const ageColumn: Column = {
  name: 'Age',
  cell: (object, now) => age(now - Date.parse(object.metadata.creationTimestamp)),
}
const none = (): string => '<none>'

/** The API server's own columns, as far as the stand-in's objects have something to put there. */
const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  Pod: [
    nameColumn,
    { name: 'Ready', cell: (pod) => readyCount(pod) },
    { name: 'Status', cell: (pod) => text(pod, 'status', 'phase') },
    { name: 'Restarts', cell: () => '0' },
    ageColumn,
    { name: 'IP', priority: 1, cell: (pod) => text(pod, 'status', 'podIP') },
    { name: 'Node', priority: 1, cell: (pod) => text(pod, 'spec', 'nodeName') },
    { name: 'Nominated Node', priority: 1, cell: none },
    { name: 'Readiness Gates', priority: 1, cell: none },
  ],
  Namespace: [
    nameColumn,
    { name: 'Status', cell: (namespace) => text(namespace, 'status', 'phase') },
    ageColumn,
  ],
  ConfigMap: [
    nameColumn,
    { name: 'Data', type: 'integer', cell: (map) => Object.keys(field(map, 'data') ?? {}).length },
    ageColumn,
  ],
  Event: [
    { ...ageColumn, name: 'Last Seen' },
    { name: 'Type', cell: (event) => text(event, 'type') },
    { name: 'Reason', cell: (event) => text(event, 'reason') },
    { name: 'Object', cell: (event) => `pod/${text(event, 'involvedObject', 'name')}` },
    { name: 'Message', cell: (event) => text(event, 'message') },
    { ...nameColumn, priority: 1 },
  ],
}
const OTHERS: readonly Column[] = [
  nameColumn,
  { name: 'Created At', cell: (object) => object.metadata.creationTimestamp },
]

/**
 * Objects of one kind as a Table, the form in which `kubectl get` and kubernetes-mcp-server ask for
 * lists (`Accept: application/json;as=Table;v=v1;g=meta.k8s.io`).
 *
 * @param now milliseconds since the epoch, for the ages
 */
export function asTable(
  kind: string,
  objects: readonly StoredObject[],
  metadata: object,
  now: number,
): object {
  const columns = COLUMNS[kind] ?? OTHERS
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: columns.map(({ name, priority = 0, type = 'string' }) => ({
      name,
      type,
      format: name === 'Name' ? 'name' : '',
      description: name,
      priority,
    })),
    rows: objects.map((object) => ({
      cells: columns.map((column) => column.cell(object, now)),
      object: {
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: object.metadata,
      },
    })),
  }
}

function text(object: object, ...path: readonly string[]): string {
  const value = field(object, ...path)
  return typeof value === 'string' ? value : '<none>'
}

function readyCount(pod: object): string {
  const states = field(pod, 'status', 'containerStatuses')
  if (!Array.isArray(states)) return '0/0'
  const ready = states.filter((state) => field(state, 'ready') === true)
  return `${ready.length}/${states.length}`
}

function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 180 ? `${minutes}m` : `${Math.floor(minutes / 60)}h`
}
