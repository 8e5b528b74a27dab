import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { McpServer } from '@modelcontextprotocol/server'
import { stringify } from 'smol-toml'
import { z } from 'zod'
import { command as doctor } from '../../../src/cli/doctor/doctor.ts'
import type { DoctorCheck } from '../../../src/cli/doctor/report.ts'
import { command as explain } from '../../../src/cli/explain/explain.ts'
import { fleetToolChecks } from '../../../src/cli/fleet/fleet-checks.ts'
import { freePort } from '../../environment/ports.ts'
import { configOf, loadWith } from '../../support/configuration.ts'
import { startFleetCluster } from '../../support/fleet-cluster.ts'
import { startFleetGateway } from '../../support/fleet-gateway.ts'
import { startEntra } from '../../support/gateway.ts'
import { recordingTerminal } from '../../support/terminal.ts'

const AKS = '6dae42f8-4368-4678-94ff-3960e28e3630'

interface Shape {
  readonly version?: string
  readonly namespace?: z.ZodType
  /** A tool with an argument `cluster` of its own. */
  readonly scales?: boolean
}

/** A server that, like kubernetes-mcp-server, does nothing for nobody. */
function server({ version = '1.0.0', namespace = z.string(), scales = false }: Shape) {
  return ({ bearer }: { readonly bearer: string }): McpServer => {
    const mcp = new McpServer({ name: 'cluster', version })
    const answer = () => ({
      isError: !bearer.startsWith('Bearer ey') || !bearer.includes('.'),
      content: [{ type: 'text' as const, text: 'pods' }],
    })
    mcp.registerTool(
      'pods_list',
      { inputSchema: z.object({ namespace }), annotations: { readOnlyHint: true } },
      answer,
    )
    if (scales)
      mcp.registerTool('scale', { inputSchema: z.object({ cluster: z.string() }) }, answer)
    return mcp
  }
}

interface Resource {
  readonly upstream: string
  readonly [key: string]: unknown
}

/** Runs a command on a fleet of these clusters, with a token of alice's where it takes one. */
async function setUp(t: TestContext, clusters: Readonly<Record<string, Resource>>) {
  const entra = await startEntra(t)
  const named = Object.entries(clusters).map(([name, one]) => ({ name, ...one }))
  const gateway = await startFleetGateway(t, named, { entra })
  const file = {
    public_url: gateway.origin,
    identity_provider: { kind: 'entra', tenant_id: entra.tenantId, authority: entra.origin },
    resource_defaults: { audiences: [AKS], allowed_clients: ['*'] },
    resource: named.map((one) => ({ path: `/c/${one.name}/mcp`, ...one })),
    fleet: {},
  }
  const terminal = recordingTerminal({
    '/etc/rolecall.toml': stringify(file),
    '/token': await entra.mint({ person: 'alice' }),
  })
  const argv = ['--config', '/etc/rolecall.toml']
  return {
    terminal,
    argv,
    async examine(...more: readonly string[]) {
      const code = await doctor.run([...argv, '--json', ...more], terminal)
      const { checks } = JSON.parse(terminal.out()) as { checks: DoctorCheck[] }
      const of = (name: string, resource?: string) =>
        checks.filter((one) => one.name === name && one.resource === resource)
      return { code, checks, of }
    },
  }
}

async function upstream(t: TestContext, shape: Shape = {}): Promise<string> {
  return (await startFleetCluster(t, server(shape))).url
}

test('without a token: the clusters, what they have in common, and the address of the fleet', async (t) => {
  const { examine } = await setUp(t, {
    prod: { upstream: await upstream(t) },
    dev: { upstream: await upstream(t) },
  })
  const { of } = await examine()
  const [fleet] = of('fleet')
  assert.equal(fleet?.verdict, 'ok')
  assert.match(
    fleet?.sentence ?? '',
    /^One sign-in serves 2 clusters, prod, dev: audience 6dae42f8/,
  )
  assert.equal(of('public_url', 'fleet')[0]?.verdict, 'ok', 'the fleet has metadata of its own')
  assert.deepEqual(of('fleet tools', 'fleet'), [])
})

test('with a token: each server’s version and tools as this user, and that they are alike', async (t) => {
  const { examine } = await setUp(t, {
    prod: { upstream: await upstream(t, { version: '0.0.67' }) },
    dev: { upstream: await upstream(t) },
  })
  const { of } = await examine('--token-file', '/token')
  assert.equal(of('token', 'fleet')[0]?.verdict, 'ok')
  assert.equal(
    of('fleet tools', 'prod')[0]?.sentence,
    'Server 0.0.67, 1 tools for alice@contoso.test.',
  )
  assert.deepEqual(
    of('fleet tools', 'fleet').map(({ verdict, sentence }) => [verdict, sentence]),
    [['ok', '1 tools, alike on each cluster that has them.']],
  )
})

test('tools that differ, and one with a cluster of its own, are warnings that name them', async (t) => {
  const { examine } = await setUp(t, {
    prod: { upstream: await upstream(t, { version: '2.0.0' }) },
    dev: { upstream: await upstream(t, { namespace: z.number(), scales: true }) },
  })
  const { of } = await examine('--token-file', '/token')
  const [differ, own] = of('fleet tools', 'fleet')
  assert.equal(differ?.verdict, 'warning')
  assert.match(differ?.sentence ?? '', /^On dev the schema is another .*: pods_list\.$/)
  assert.equal(own?.verdict, 'warning')
  assert.match(own?.sentence ?? '', /have scale: .*"rolecall_cluster"/)
})

test('a cluster that is away fails once, and the others are told as they are', async (t) => {
  const { examine } = await setUp(t, {
    prod: { upstream: await upstream(t) },
    dev: { upstream: `http://127.0.0.1:${await freePort()}/mcp` },
  })
  const { code, checks, of } = await examine('--token-file', '/token')
  assert.equal(code, 1)
  assert.deepEqual(
    checks
      .filter(({ verdict }) => verdict === 'failed')
      .map(({ name, resource }) => [name, resource]),
    [['upstream connection', 'dev']],
  )
  assert.match(of('fleet')[0]?.sentence ?? '', /Away: dev\. Calls there end in a tool error/)
  assert.equal(of('fleet tools', 'dev')[0]?.verdict, 'not reached')
  assert.equal(of('fleet tools', 'prod')[0]?.verdict, 'ok')
})

test('a cluster that does not let the user in, and clusters_from that no tool takes', async (t) => {
  const { examine } = await setUp(t, {
    prod: { upstream: await upstream(t), clusters_from: 'context' },
    dev: { upstream: await upstream(t), required_groups: ['nobody'] },
  })
  const { code, of } = await examine('--token-file', '/token')
  assert.equal(code, 1)
  assert.equal(of('fleet tools', 'dev')[0]?.verdict, 'warning')
  const [contexts] = of('fleet tools', 'fleet')
  assert.equal(contexts?.verdict, 'failed')
  assert.match(contexts?.sentence ?? '', /No tool of prod takes the argument "context"/)
})

test('rules that name no tool are told once for each cluster', async (t) => {
  const allow = [{ tools: ['pods_lists'], groups: [], clients: [] }]
  const { examine } = await setUp(t, {
    prod: { upstream: await upstream(t), allow },
    dev: { upstream: await upstream(t) },
  })
  const { of, code } = await examine('--token-file', '/token')
  assert.equal(code, 0)
  assert.deepEqual(
    ['prod', 'dev'].map((name) => of('tool rules', name).map(({ verdict }) => verdict)),
    [['warning'], []],
  )
  assert.match(of('tool rules', 'prod')[0]?.remedy ?? '', /Did you mean "pods_list"\?/)
})

test('where the fleet alone takes a token, its lists tell what rules name', () => {
  const config = configOf(
    loadWith({
      resource: ['prod', 'dev'].map((name) => ({
        name,
        path: `/${name}`,
        upstream: `http://${name}:8080/mcp`,
        audiences: [AKS],
        allowed_clients: ['*'],
        allow: [{ tools: ['pods_*'] }, { tools: ['scale'] }],
      })),
      fleet: {},
    }),
  )
  const tools = [{ name: 'pods_list', inputSchema: { type: 'object' as const } }]
  const checks = fleetToolChecks([{ cluster: 'dev', kind: 'listed', user: 'alice', tools }], {
    config,
    away: [],
  })
  assert.deepEqual(
    checks.filter(({ name }) => name === 'tool rules').map(({ sentence }) => sentence),
    [
      'resource[1].allow[1].tools names "scale", and the MCP server lists no such tool to the user of this token.',
    ],
  )
})

test('explain judges a token for the fleet, and a tool by the rules of each cluster', async (t) => {
  const { terminal, argv } = await setUp(t, {
    prod: {
      upstream: await upstream(t),
      allow: [{ tools: ['*'], hint: 'read_only', groups: [], clients: [] }],
    },
    dev: { upstream: await upstream(t) },
    closed: { upstream: await upstream(t), required_groups: ['nobody'] },
  })
  const asked = ['--resource', 'fleet', '--tool', 'scale', '--writes', '/token']
  assert.equal(await explain.run([...argv, ...asked], terminal), 1)
  const [, prod = '', dev = '', closed = ''] = terminal.out().split(/^cluster {3}/m)
  assert.match(prod, /^prod[\s\S]*Refused/)
  assert.match(dev, /^dev[\s\S]*Allowed/)
  assert.match(closed, /^closed\nIt does not let this user in/)
})
