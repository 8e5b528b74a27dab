/** The bytes that every Kubernetes protobuf body begins with. */
const MAGIC = Buffer.from('k8s\0', 'latin1')

const RESOURCE_FIELDS = [
  'namespace',
  'verb',
  'group',
  'version',
  'resource',
  'subresource',
  'name',
] as const

/**
 * Reads a SelfSubjectAccessReview or a SelfSubjectReview in Kubernetes protobuf, the form in which
 * client-go, and so kubernetes-mcp-server and kubectl, posts them. Field numbers are those of
 * k8s.io/apimachinery `runtime.Unknown` and k8s.io/api `authorization/v1`.
 *
 * @returns the review as JSON would have it, or `undefined` when it is not one
 */
export function readReviewProtobuf(body: Buffer): object | undefined {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const unknown = readFields(body.subarray(MAGIC.length))
  const type = readFields(unknown?.get(1))
  if (!type) return undefined
  const meta = named(type, ['apiVersion', 'kind'])
  if (meta['kind'] === 'SelfSubjectReview') return meta
  const spec = readFields(readFields(unknown?.get(2))?.get(2))
  if (meta['kind'] !== 'SelfSubjectAccessReview' || !spec) return undefined
  const resource = readFields(spec.get(1))
  const path = readFields(spec.get(2))
  return {
    ...meta,
    spec: {
      ...(resource && { resourceAttributes: named(resource, RESOURCE_FIELDS) }),
      ...(path && { nonResourceAttributes: named(path, ['path', 'verb']) }),
    },
  }
}

function named(
  fields: ReadonlyMap<number, Buffer>,
  names: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name, index) => {
      const value = fields.get(index + 1)?.toString('utf8')
      return value ? [[name, value]] : []
    }),
  )
}

/** A message whose fields are all length-delimited (wire type 2); of others: `undefined`. */
function readFields(message: Buffer | undefined): ReadonlyMap<number, Buffer> | undefined {
  if (!message) return undefined
  const fields = new Map<number, Buffer>()
  let position = 0
  while (position < message.length) {
    const tag = readVarint(message, position)
    const length = tag && readVarint(message, tag.end)
    if (!length || (tag.value & 7) !== 2) return undefined
    position = length.end + length.value
    if (position > message.length) return undefined
    fields.set(tag.value >> 3, message.subarray(length.end, position))
  }
  return fields
}

function readVarint(bytes: Buffer, start: number): { value: number; end: number } | undefined {
  let value = 0
  // Four bytes hold 28 bits: more than any length here.
  for (let index = 0; index < 4; index += 1) {
    const byte = bytes[start + index]
    if (byte === undefined) return undefined
    value |= (byte & 0x7f) << (7 * index)
    if (byte < 0x80) return { value, end: start + index + 1 }
  }
  return undefined
}
