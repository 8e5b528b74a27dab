import type { ResourceConfig } from '../../config/config.ts'
import { createUpstream, type Upstream, upstreamOptions } from './upstream.ts'

/** An upstream in use, until it is released. */
export interface UsedUpstream {
  readonly upstream: Upstream
  /** The last to release an upstream closes its connections. */
  release(): Promise<void>
}

/**
 * The upstreams of all configurations at work: a reload that changes nothing about one keeps its
 * connections.
 */
export class SharedUpstreams {
  readonly #shared = new Map<string, { readonly upstream: Upstream; users: number }>()

  use(resource: ResourceConfig): UsedUpstream {
    // Resources apart: what one may hold open is no other's.
    const key = JSON.stringify([resource.name, resource.upstream, upstreamOptions(resource)])
    const shared = this.#shared.get(key) ?? { upstream: createUpstream(resource), users: 0 }
    shared.users += 1
    this.#shared.set(key, shared)
    return {
      upstream: shared.upstream,
      release: async () => {
        shared.users -= 1
        if (shared.users > 0) return
        this.#shared.delete(key)
        await shared.upstream.connections.close()
      },
    }
  }
}
