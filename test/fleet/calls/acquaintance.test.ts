import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { acquaintance } from '../../../src/fleet/calls/acquaintance.ts'

const MUCH = 'x'.repeat(1_000_000)
const capabilities = {
  tools: { listChanged: true, [MUCH]: MUCH },
  logging: { much: MUCH },
  experimental: { much: MUCH },
}

function said(era: 'modern' | 'legacy'): Client {
  const serverInfo = { name: MUCH, version: MUCH }
  const discover = {
    supportedVersions: ['2026-07-28', MUCH],
    capabilities,
    serverInfo,
    instructions: MUCH,
    _meta: { much: MUCH },
  }
  return {
    getServerVersion: () => serverInfo,
    getServerCapabilities: () => capabilities,
    getDiscoverResult: () => (era === 'modern' ? discover : undefined),
    getProtocolEra: () => era,
  } as unknown as Client
}

for (const era of ['modern', 'legacy'] as const) {
  test(`what is kept of a member is small, whatever it says of itself: ${era}`, () => {
    const transport = { sessionId: 's', protocolVersion: '2025-06-18' }
    const known = acquaintance(said(era), transport as StreamableHTTPClientTransport)
    assert.equal(known.era, era)
    assert.deepEqual(known.capabilities, { tools: { listChanged: true }, logging: {} })
    assert.ok(JSON.stringify(known).length < 300, JSON.stringify(known).slice(0, 300))
  })
}
