import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { plainProcessLog } from '../../src/observe/process-log.ts'
import { createAuthority } from '../environment/certificates.ts'
import { freePort } from '../environment/ports.ts'
import { startBroker } from '../support/broker-gateway.ts'
import { SimulatedClock } from '../support/clock.ts'
import { callFleet } from '../support/fleet-calls.ts'
import { startFleetGateway } from '../support/fleet-gateway.ts'
import {
  type Gateway,
  type GatewayOptions,
  registeredConfig,
  startEntra,
  startGateway,
} from '../support/gateway.ts'
import { post, send, toolCall } from '../support/raw-http.ts'
import { startUpstream } from '../support/recording-upstream.ts'
import { codeFor, codeForm, postToken, signedIn, startRelay } from '../support/relay-gateway.ts'
import { failure, followScript, success } from '../support/scripted-mcp.ts'

/** A rolecall with one trouble, or none, and the alerts that must fire: these and no others. */
export interface Scenario {
  readonly alerts: readonly string[]
  readonly gateway: Gateway
  /** Done again and again once Prometheus has seen it for the first time. */
  readonly provoke?: () => Promise<unknown>
}

const NOWHERE = 'http://127.0.0.1:9/mcp'
const SECOND_MS = 1000
const HOUR_MS = 3600 * SECOND_MS

async function call(gateway: Gateway, times = 1, body = toolCall('pods_list')): Promise<void> {
  const token = await gateway.entra.mint()
  for (let i = 0; i < times; i += 1) await send(gateway.url, post(token, body))
}

async function upstreamOf(t: TestContext): Promise<string> {
  const upstream = await startUpstream(t)
  followScript(upstream, { call: () => failure('forbidden') })
  return upstream.url
}

type Begin = (t: TestContext) => Promise<Scenario>

/** People sign in and call, some tools fail, some tokens have ended, clients ask without a token. */
const quiet: Begin = async (t) => {
  const gateway = await startRelay(t, { upstream: await upstreamOf(t), probesUpstreams: true })
  const { entra } = gateway
  return {
    alerts: [],
    gateway,
    async provoke() {
      const { access } = await signedIn(gateway, 'alice')
      await send(gateway.url, post(access))
      await send(gateway.url, post(undefined))
      await send(gateway.url, post(await entra.mint({ lifetime: -10 })))
    },
  }
}

const registering: Begin = async (t) => {
  const { gateway } = await startBroker(t, { upstream: await upstreamOf(t) })
  const client = { client_name: 'a client', redirect_uris: ['http://localhost:8090/callback'] }
  const headers = { 'content-type': 'application/json' }
  const provoke = () =>
    fetch(`${gateway.origin}/oauth/register`, {
      method: 'POST',
      headers,
      body: JSON.stringify(client),
    })
  return { alerts: [], gateway, provoke }
}

const actsAsItself: Begin = async (t) => {
  const upstream = await startUpstream(t)
  followScript(upstream, { call: () => success })
  const gateway = await startGateway(t, { upstream: upstream.url, probesUpstreams: true })
  return { alerts: ['RolecallUpstreamActsAsItself'], gateway }
}

const wrongSecret: Begin = async (t) => {
  const entra = await startEntra(t)
  const credential = { kind: 'secret', secret: 'ended' } as const
  const config = { identity_provider: registeredConfig(entra, { credential }) }
  const gateway = await startRelay(t, { entra, config })
  return {
    // The second says the same of people: they cannot sign in until the operator acts.
    alerts: ['RolecallProviderRefusesOurCredential', 'RolecallSignInsNeedSomebody'],
    gateway,
    provoke: () => postToken(gateway, codeForm('a-code')),
  }
}

const noKeys: Begin = async (t) => {
  const entra = await startEntra(t)
  entra.outage('reset')
  const gateway = await startGateway(t, { upstream: NOWHERE, entra, cold: true })
  return { alerts: ['RolecallCannotDecide'], gateway }
}

/** Its clock stands still four hours ago. */
const oldKeys: Begin = async (t) => {
  const clock = new SimulatedClock(Date.now() - 4 * HOUR_MS)
  const gateway = await startGateway(t, { upstream: NOWHERE, clock })
  return { alerts: ['RolecallKeysAreOld'], gateway }
}

const noStore: Begin = async (t) => {
  const redis_url = `redis://127.0.0.1:${await freePort()}`
  const gateway = await startGateway(t, { upstream: NOWHERE, config: { store: { redis_url } } })
  return { alerts: ['RolecallStoreAway'], gateway }
}

const noUpstream: Begin = async (t) => {
  const gateway = await startGateway(t, { upstream: NOWHERE })
  return { alerts: ['RolecallUpstreamFails'], gateway, provoke: () => call(gateway) }
}

/** One of two clusters is away. */
const noCluster: Begin = async (t) => {
  const gateway = await startFleetGateway(t, [
    { name: 'prod', upstream: await upstreamOf(t) },
    { name: 'dev', upstream: NOWHERE },
  ])
  const token = await gateway.entra.mint()
  const asked = { url: gateway.fleetUrl, token }
  const provoke = async () => {
    for (const cluster of ['prod', 'dev']) await callFleet(asked, 'namespaces_list', { cluster })
  }
  return { alerts: ['RolecallClusterLeftAlone'], gateway, provoke }
}

/** Calls wait for their audit line, and this becomes of it. */
async function audited(t: TestContext, written: () => Promise<void>): Promise<Gateway> {
  const lines: GatewayOptions['lines'] = (log) => ({ ...plainProcessLog(log), written })
  const audit = { before_dispatch: true, arguments: [] }
  return startGateway(t, { upstream: await upstreamOf(t), config: { audit }, lines })
}

const slow: Begin = async (t) => {
  const gateway = await audited(t, () => delay(300))
  return { alerts: ['RolecallSlow'], gateway, provoke: () => call(gateway) }
}

const notAudited: Begin = async (t) => {
  const gateway = await audited(t, () => Promise.reject(new Error('the disk is full')))
  return { alerts: ['RolecallCallsNotAudited'], gateway, provoke: () => call(gateway) }
}

const refusedConfiguration: Begin = async (t) => {
  const gateway = await startGateway(t, { upstream: NOWHERE })
  const problem = { key: 'listen', message: 'must be an address', remedy: 'Write one.' }
  gateway.service.refuseReload([problem])
  return { alerts: ['RolecallConfigurationRefused'], gateway }
}

const noConsent: Begin = async (t) => {
  const gateway = await startRelay(t)
  const { entra } = gateway
  return {
    alerts: ['RolecallSignInsNeedSomebody'],
    gateway,
    async provoke() {
      const code = await codeFor(entra, 'alice')
      entra.fail({ code: 65001, at: 'token' })
      await postToken(gateway, codeForm(code))
    },
  }
}

const beyondLimit: Begin = async (t) => {
  const gateway = await startGateway(t, { upstream: NOWHERE })
  const batch = JSON.stringify(Array.from({ length: 51 }, () => JSON.parse(toolCall('x'))))
  return { alerts: ['RolecallLimitReached'], gateway, provoke: () => call(gateway, 10, batch) }
}

const lostLines: Begin = async (t) => {
  let request = 0
  const gateway = await startGateway(t, {
    upstream: NOWHERE,
    lines: (log) => ({ ...plainProcessLog(log), lost: () => ({ request, other: 0 }) }),
  })
  const provoke = async () => {
    request += 1
  }
  return { alerts: ['RolecallLogLinesLost'], gateway, provoke }
}

const endingCertificate: Begin = async (t) => {
  const authority = await createAuthority('an authority')
  const upstream_client_certificate = await authority.issue({ clientName: 'rolecall' })
  const resource = { upstream_client_certificate }
  const gateway = await startGateway(t, { upstream: NOWHERE, resource })
  return { alerts: ['RolecallCertificateEndsSoon'], gateway }
}

const foreignTokens: Begin = async (t) => {
  const gateway = await startGateway(t, { upstream: NOWHERE })
  const token = await gateway.entra.mint({ claims: { aud: 'api://other' } })
  const provoke = async () => {
    for (let i = 0; i < 100; i += 1) await send(gateway.url, post(token))
  }
  return { alerts: ['RolecallManyTokensRefused'], gateway, provoke }
}

export const scenarios: Readonly<Record<string, Begin>> = {
  quiet,
  registering,
  actsAsItself,
  wrongSecret,
  noKeys,
  oldKeys,
  noStore,
  noUpstream,
  noCluster,
  slow,
  notAudited,
  refusedConfiguration,
  noConsent,
  beyondLimit,
  lostLines,
  endingCertificate,
  foreignTokens,
}
