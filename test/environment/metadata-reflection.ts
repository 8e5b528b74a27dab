/**
 * The three functions of the `Reflect` metadata proposal that @peculiar/x509 (through tsyringe)
 * calls as it is loaded, and without which it refuses to load. Import this file before it.
 * Does nothing where a full implementation is already there.
 */
type Metadata = Map<unknown, unknown>

const store = new WeakMap<object, Metadata>()

function getOwnMetadata(key: unknown, target: object): unknown {
  return store.get(target)?.get(key)
}

function getMetadata(key: unknown, target: object): unknown {
  const own = getOwnMetadata(key, target)
  const parent: unknown = Object.getPrototypeOf(target)
  if (own !== undefined || !isObject(parent)) return own
  return getMetadata(key, parent)
}

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const metadata: Metadata = store.get(target) ?? new Map()
  store.set(target, metadata.set(key, value))
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, { getMetadata, getOwnMetadata, defineMetadata })
}
