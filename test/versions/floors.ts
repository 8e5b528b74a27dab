/** The least version on each line (major) that has no advisory which concerns us. */
export interface Floor {
  readonly name: string
  /** By major version; a line below the lowest is refused, one above the highest is newer. */
  readonly lines: Readonly<Record<number, string>>
  /** The advisories that the floor keeps out. */
  readonly why: string
}

/** Packages in the tree of `node_modules`, every copy of them. */
export const PACKAGE_FLOORS: readonly Floor[] = [
  {
    name: 'fastify',
    lines: { 5: '5.12.2' },
    why: 'CVE-2026-16732 and GHSA-w2qp-rph6-63g4 (trustProxy), CVE-2026-33806, -3635, -3419, -25223, -25224',
  },
  {
    name: '@fastify/http-proxy',
    lines: { 11: '11.4.4' },
    why: 'CVE-2026-33805 (Connection drops headers)',
  },
  {
    name: '@fastify/reply-from',
    lines: { 12: '12.6.4' },
    why: 'GHSA-v574-6498-x57v (URL cache), CVE-2026-33805, CVE-2025-66415',
  },
  {
    name: 'undici',
    lines: { 6: '6.28.0', 7: '7.29.0', 8: '8.9.0' },
    why: 'CVE-2026-13697, GHSA-4cwx-7wf7-3272, CVE-2026-9697, -12151, -6734, -1525, -1527, -22036',
  },
  { name: 'jose', lines: { 6: '6.0.0' }, why: 'lines 4 and 5 are out of support; CVE-2024-28176' },
  { name: 'openid-client', lines: { 6: '6.0.0' }, why: 'line 5 is out of support' },
  { name: 'find-my-way', lines: { 8: '8.2.2', 9: '9.0.1' }, why: 'CVE-2024-45813 (ReDoS)' },
  {
    name: '@modelcontextprotocol/sdk',
    lines: { 1: '1.26.0' },
    why: 'CVE-2026-25536, GHSA-w48q-cv73-mx4w, CVE-2026-0621; in tests alone',
  },
]

/** The runtime itself. Line 20 gets no more fixes since April 2026; the image has a newer one. */
export const NODE_FLOOR: Floor = {
  name: 'node',
  lines: { 20: '20.20.2', 22: '22.23.0', 24: '24.17.0', 26: '26.3.1' },
  why: 'security releases of March and June 2026 (CVE-2026-21710, -21637, -21714, -21717, -48931, llhttp)',
}
