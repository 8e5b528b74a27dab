import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { command as check } from '../../src/cli/check/check.ts'
import { recordingTerminal } from '../support/terminal.ts'
import { withHelm } from './support/availability.ts'
import { renderChart } from './support/helm.ts'
import { objectOf } from './support/objects.ts'
import { filledPreset } from './support/presets.ts'

interface Compose {
  readonly services: Readonly<
    Record<string, { networks: string[]; ports?: string[]; read_only: boolean; user: string }>
  >
  readonly configs: Readonly<Record<string, { content?: string }>>
}

const file = readFileSync(new URL('../../deploy/compose.yaml', import.meta.url), 'utf8')
const { services, configs } = parse(file) as Compose

/** As compose hands it over. */
const contentOf = (name: string): string => (configs[name]?.content ?? '').replaceAll('$$', '$')

test('rolecall check passes over the configuration in compose.yaml', async () => {
  const files = { '/etc/rolecall/rolecall.yaml': contentOf('rolecall') }
  const environment = {
    TENANT_ID: '11111111-2222-4333-8444-555555555555',
    ROLECALL__LISTEN: '0.0.0.0:8080',
    ROLECALL__ADMIN_LISTEN: '0.0.0.0:9090',
  }
  const terminal = recordingTerminal(files, environment)
  const code = await check.run(['--config', '/etc/rolecall/rolecall.yaml'], terminal)
  assert.equal(code, 0, terminal.err())
  // Nobody signs in here; and the port is published on this machine's loopback alone, as it asks for.
  const warned = terminal.err().match(/^warning: \S+/gm) ?? []
  assert.deepEqual(warned.toSorted(), ['warning: public_url', 'warning: sign_in.mode'])
})

test('only rolecall is reached, on loopback, and nobody is root or writes', () => {
  for (const [name, service] of Object.entries(services)) {
    assert.equal(service.read_only, true)
    assert.match(service.user, /^[1-9]\d*:[1-9]\d*$/)
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/)
    if (name !== 'rolecall')
      assert.deepEqual([service.ports, service.networks], [undefined, ['servers']])
  }
})

withHelm('compose.yaml and the chart', () => {
  test('lock the MCP server in the same way', async () => {
    const { objects } = await renderChart({ values: [filledPreset('aks-robusta-relay-secret')] })
    const locked = objectOf(objects, 'ConfigMap', 'rolecall-mcp-kubernetes').data?.['config.toml']
    const lines = (text = ''): string[] => text.split('\n').filter((line) => /^[a-z]/.test(line))
    assert.deepEqual(lines(contentOf('kubernetes-mcp-server')), lines(locked))
  })
})
