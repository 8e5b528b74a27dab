import { createAuthority, loopbackNames } from '../../environment/certificates.ts'
import { holmes } from '../../environment/mock-entra/directory.ts'
import type { MockEntra } from '../../environment/mock-entra/mock-entra.ts'
import { startUpstream } from '../../support/recording-upstream.ts'
import { redisIsMissing, startRedis } from '../../support/redis-server.ts'
import { codeFor, codeForm, postToken } from '../../support/relay-gateway.ts'
import { followScript } from '../../support/scripted-mcp.ts'
import type { GoodSetUp, SetUp } from '../set-up.ts'
import { type Changes, passesThrough, type World } from '../world.ts'
import { assertingClient, certificateOf, inSeconds, oidcSetUp, tokenOf } from './credential.ts'
import { behind } from './edge.ts'
import { realServer } from './real-server.ts'

/** HolmesGPT by relay, and alice signs in. */
async function relay(world: World, entra: MockEntra, changes: Changes = {}): Promise<SetUp> {
  const file = await world.relay(entra, changes)
  const origin = `http://${String(file['listen']).replace('127.0.0.1', 'localhost')}`
  return {
    file,
    async visit() {
      const { status } = await postToken({ origin }, codeForm(await codeFor(entra, 'alice')))
      if (status !== 200) throw new Error(`the sign-in ended with ${status}`)
    },
  }
}

/** Complete set-ups without a fault: nothing may be said of them. */
export const goodSetUps: readonly GoodSetUp[] = [
  {
    name: 'HolmesGPT by relay, with a secret',
    build: async (world) => relay(world, await world.entra()),
  },
  {
    name: 'every client by broker, the secret in a file',
    async build(world) {
      const client_secret_file = world.file('client-secret', `${holmes.client_secret}\n`)
      const provider = { client_secret: undefined, client_secret_file }
      return { file: await world.broker(await world.entra(), { provider }) }
    },
  },
  {
    name: 'with a certificate in place of the secret',
    async build(world) {
      const { provider, certificate } = await certificateOf(world, 365)
      const { client_secret: _secret, ...client } = holmes
      const entra = await world.entra({ clients: [{ ...client, certificates: [certificate] }] })
      return relay(world, entra, { provider })
    },
  },
  {
    name: 'with workload identity',
    async build(world) {
      const entra = await world.entra({ clients: [await assertingClient()] })
      const claims = { aud: ['api://AzureADTokenExchange'], exp: inSeconds(3600) }
      return relay(world, entra, tokenOf(world, claims))
    },
  },
  { name: 'another provider than Entra, by broker', build: (world) => oidcSetUp(world) },
  {
    name: 'two resources',
    async build(world) {
      const file = await world.broker(await world.entra())
      const [first] = file['resource'] as readonly Record<string, unknown>[]
      const second = { ...first, name: 'staging', path: '/staging/mcp' }
      return { file: { ...file, resource: [first, second] } }
    },
  },
  {
    name: 'an MCP server with TLS and an authority of its own',
    async build(world) {
      const authority = await createAuthority('Authority of the cluster')
      const issued = await authority.issue({ names: loopbackNames, days: 90 })
      const upstream = await startUpstream(world, issued)
      followScript(upstream, passesThrough)
      const file = world.file('ca.crt', authority.certificate)
      const resource = { upstream: upstream.url, upstream_certificate_authority_file: file }
      return relay(world, await world.entra(), { resource })
    },
  },
  {
    name: 'the real kubernetes-mcp-server, without a credential of its own',
    async build(world) {
      const resource = await realServer(world, { ownCredential: false })
      return relay(world, await world.entra(), { resource })
    },
  },
  { name: 'behind an ingress', build: (world) => behind(world, {}) },
  {
    name: 'reached by a name within the cluster, too',
    async build(world) {
      const internal_hosts = ['rolecall.holmes.svc.cluster.local:8080']
      return relay(world, await world.entra(), { top: { internal_hosts } })
    },
  },
  ...(redisIsMissing
    ? []
    : [
        {
          name: 'with Redis',
          build: async (world: World) => {
            const { url } = await startRedis(world)
            return relay(world, await world.entra(), { store: { redis_url: url } })
          },
        },
      ]),
]
