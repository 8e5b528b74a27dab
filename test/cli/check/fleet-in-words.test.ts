import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { stringify } from 'smol-toml'
import { parse } from 'yaml'
import { command as check } from '../../../src/cli/check/check.ts'
import { fleetInWords } from '../../../src/cli/check/fleet-in-words.ts'
import { holmesServers } from '../../../src/http/home/holmes-servers.ts'
import { aks, configOf, fileWith, loadToml, loadWith } from '../../support/configuration.ts'
import { recordingTerminal } from '../../support/terminal.ts'

const shared = { audiences: [aks], allowed_clients: ['*'] }
const cluster = (name: string, over: object = {}) => {
  return { name, path: `/c/${name}/mcp`, upstream: `http://${name}:8080/mcp`, ...shared, ...over }
}
const RESOURCES = [
  cluster('prod', { description: 'Europe', labels: { region: 'eu', stage: 'prod' } }),
  cluster('dev', { required_groups: ['team'], clusters_from: 'context' }),
  cluster('argo'),
]

test('check names each cluster of the fleet, with what is its own', () => {
  const fleet = { resources: ['prod', 'dev'], fan_out: false }
  const config = configOf(loadWith({ resource: RESOURCES, fleet, public_url: 'https://mcp.test' }))
  assert.deepEqual(fleetInWords(config), [
    '',
    'The fleet at https://mcp.test/fleet/mcp has 2 clusters:',
    '  prod (Europe); region=eu, stage=prod',
    '  dev; for those in team; as the "context" of its MCP server',
    '  Each call is for one of them (fan_out = false).',
  ])
  assert.deepEqual(fleetInWords(configOf(loadWith())), [])
})

test('all that check prints of a fleet is as in fleet.toml', async () => {
  const path = '/etc/rolecall.toml'
  const file = fileWith({
    resource: undefined,
    resource_defaults: shared,
    fleet: { resources: ['prod', 'region=us', 'dev'] },
    public_url: 'https://mcp.example.com',
  })
  const resource = [
    cluster('prod', { description: 'Europe', labels: { region: 'eu' } }),
    cluster('us', { labels: { region: 'us' }, allow: [{ hint: 'read_only' }] }),
    cluster('dev', { required_groups: ['team'], rules: 'shadow', allow: [{ tools: ['pods_*'] }] }),
    cluster('argo'),
  ].map(({ audiences: _, allowed_clients: __, ...own }) => own)
  const terminal = recordingTerminal({ [path]: stringify({ ...file, resource }) })
  assert.equal(await check.run(['--config', path], terminal), 0, terminal.err())
  assert.deepEqual(terminal.err().match(/^warning: [a-z_.[\]0-9]+/gm), [
    'warning: resource[2].rules',
    'warning: sign_in.mode',
  ])
  const snapshot = new URL('fleet.toml', import.meta.url)
  if (process.env['UPDATE_SNAPSHOTS']) writeFileSync(snapshot, terminal.out())
  assert.equal(terminal.out(), readFileSync(snapshot, 'utf8'), 'UPDATE_SNAPSHOTS=1')
  configOf(loadToml(terminal.out()))
})

test('HolmesGPT has the fleet as one server in place of its clusters, and the rest apart', () => {
  const fleet = { resources: ['prod', 'dev'] }
  const config = configOf(loadWith({ resource: RESOURCES, fleet }))
  const { mcp_servers: servers } = parse(holmesServers(config, 'http://rolecall'))
  assert.deepEqual(Object.keys(servers), ['fleet', 'argo'])
  assert.equal('llm_instructions' in servers.argo, false)
  const { llm_instructions: told } = servers.fleet
  assert.match(told, /^Every tool takes "cluster"[\s\S]*"\*" asks all clusters at once/)
  const each = configOf(loadWith({ resource: RESOURCES, fleet: { ...fleet, fan_out: false } }))
  assert.doesNotMatch(holmesServers(each, 'http://rolecall'), /asks all clusters/)
})
