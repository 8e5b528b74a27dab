/** A resource of one cluster. */
export interface ClusterResource {
  readonly cluster: string
  /** As the cluster's MCP server has it. */
  readonly uri: string
}

/** RFC 3986 §3.1. */
const BEGINS_WITH_SCHEME = /^[a-z][a-z0-9+.-]*:/i
const SHOWN = /^rolecall:\/\/([a-z0-9-]{1,40})\/(.*)$/s

/**
 * A member's URI as the fleet shows it: `rolecall://<cluster>/`, then the URI as it is, so that it
 * reads, and so that what a client makes of a URI template is the member's own URI again (encoding it
 * once more would not be). A URI that a client's URL parser would change (`..`, spaces, letters beyond
 * ASCII), or that has no scheme, is percent-encoded whole: it then holds no colon, which tells the two
 * apart.
 *
 * @param uri any text
 */
export function clusterUri(cluster: string, uri: string): string {
  const asItIs = `rolecall://${cluster}/${uri}`
  return BEGINS_WITH_SCHEME.test(uri) && isKept(asItIs)
    ? asItIs
    : `rolecall://${cluster}/${encodeURIComponent(wellFormed(uri))}`
}

function isKept(uri: string): boolean {
  return URL.canParse(uri) && new URL(uri).href === uri
}

/** Half a surrogate pair is no text that can be encoded. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString()
}

/** The same for a URI template (RFC 6570), which stays as it is: what it expands to is read back. */
export function clusterUriTemplate(cluster: string, template: string): string {
  return `rolecall://${cluster}/${template}`
}

/**
 * The cluster and the URI out of what `clusterUri` made, or a client out of a template.
 *
 * Not checked: whether there is such a cluster, and whether it has such a URI.
 *
 * @returns `undefined`: it is none
 */
export function readClusterUri(shown: string): ClusterResource | undefined {
  const [, cluster, rest = ''] = SHOWN.exec(shown) ?? []
  if (cluster === undefined || rest === '') return undefined
  if (BEGINS_WITH_SCHEME.test(rest)) return { cluster, uri: rest }
  try {
    return { cluster, uri: decodeURIComponent(rest) }
  } catch {
    return undefined
  }
}

/** The cluster and the template out of what `clusterUriTemplate` made. */
export function readClusterUriTemplate(shown: string): ClusterResource | undefined {
  const [, cluster, uri = ''] = SHOWN.exec(shown) ?? []
  return cluster === undefined || uri === '' ? undefined : { cluster, uri }
}
