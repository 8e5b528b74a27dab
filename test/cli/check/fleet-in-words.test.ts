import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { fleetInWords } from '../../../src/cli/check/fleet-in-words.ts'
import { holmesServers } from '../../../src/http/home/holmes-servers.ts'
import { aks, configOf, loadWith } from '../../support/configuration.ts'

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
