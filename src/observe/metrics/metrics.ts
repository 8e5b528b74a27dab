import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { signInSteps } from '../sign-in-step.ts'
import { limitNames } from './limits-reached.ts'

/** What is counted. No label names a user, and each takes few values. */
export interface Metrics extends RequestMetrics, FleetMetrics, ProviderMetrics, OperationMetrics {
  readonly registry: Registry
}

interface RequestMetrics {
  readonly requests: Counter<'resource' | 'decision' | 'reason' | 'status'>
  readonly outcomes: Counter<'resource' | 'outcome'>
  readonly duration: Histogram<'resource'>
  readonly addedDuration: Histogram<'resource'>
  readonly upstreamDuration: Histogram<'resource'>
  readonly limitsReached: Counter<'limit'>
}

interface FleetMetrics {
  readonly fleetCalls: Counter<'cluster' | 'outcome'>
  readonly fleetListDuration: Histogram<'cluster'>
}

interface ProviderMetrics {
  readonly providerFetches: Counter<'document' | 'outcome'>
  readonly providerGrants: Counter<'grant' | 'outcome'>
  readonly signInSteps: Counter<'step' | 'decision'>
  readonly signInFailures: Counter<'step' | 'whose' | 'aadsts'>
  readonly tokenGrants: Counter<'outcome'>
  readonly registrations: Counter<'outcome'>
}

interface OperationMetrics {
  readonly storeErrors: Counter
  readonly reloads: Counter<'outcome'>
  readonly configurationCurrent: Gauge
  readonly upstreamIdentity: Gauge<'resource' | 'verdict'>
}

/** The process's metrics, with Node's own (memory, event loop lag, garbage collection). */
export function createMetrics(version: string): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'rolecall_build_info',
    help: 'The version that runs.',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1)
  const metrics = {
    registry,
    ...requestMetrics([registry]),
    ...fleetMetrics([registry]),
    ...providerMetrics([registry]),
    ...operationMetrics([registry]),
  }
  beginAtZero(metrics)
  return metrics
}

/** `increase()` does not see a counter's first step, if the counter is only there from then on. */
function beginAtZero({ limitsReached, reloads, providerGrants, signInFailures }: Metrics): void {
  for (const limit of limitNames) limitsReached.inc({ limit }, 0)
  for (const outcome of ['done', 'refused', 'failed']) reloads.inc({ outcome }, 0)
  for (const grant of ['authorization_code', 'refresh_token']) {
    providerGrants.inc({ grant, outcome: 'misconfigured' }, 0)
  }
  for (const step of signInSteps) {
    for (const whose of ['administrator', 'operator']) {
      signInFailures.inc({ step, whose, aadsts: '' }, 0)
    }
  }
}

const SECONDS_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const OWN_SECONDS_BUCKETS = [
  0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5,
]

function requestMetrics(registers: Registry[]): RequestMetrics {
  const ofResource = { labelNames: ['resource'] as const, registers }
  return {
    requests: new Counter({
      name: 'rolecall_requests_total',
      help: 'Requests to resources by decision, reason and status.',
      labelNames: ['resource', 'decision', 'reason', 'status'],
      registers,
    }),
    outcomes: new Counter({
      name: 'rolecall_outcomes_total',
      help: 'How the requests ended that were sent to an upstream: ok, tool_error (also what RBAC forbids), rpc_error, cut, none.',
      labelNames: ['resource', 'outcome'],
      registers,
    }),
    duration: new Histogram({
      ...ofResource,
      name: 'rolecall_request_duration_seconds',
      help: 'From the arrival of a request until its answer has ended; streams are not in it.',
      buckets: SECONDS_BUCKETS,
    }),
    addedDuration: new Histogram({
      ...ofResource,
      name: 'rolecall_added_duration_seconds',
      help: 'What rolecall adds to a request that goes up: judging it and writing its line. Neither the arrival of its body nor the upstream is in it.',
      buckets: OWN_SECONDS_BUCKETS,
    }),
    upstreamDuration: new Histogram({
      ...ofResource,
      name: 'rolecall_upstream_duration_seconds',
      help: "From the sending of a call until the upstream's answer has ended; streams are not in it.",
      buckets: SECONDS_BUCKETS,
    }),
    limitsReached: new Counter({
      name: 'rolecall_limits_reached_total',
      help: 'Requests and connections beyond a setting of [limits], by its name.',
      labelNames: ['limit'],
      registers,
    }),
  }
}

const LIST_SECONDS_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10]

/** Clusters are those of the configuration: no label holds what a client sends. */
function fleetMetrics(registers: Registry[]): FleetMetrics {
  return {
    fleetCalls: new Counter({
      name: 'rolecall_fleet_calls_total',
      help: 'Tool calls of the fleet at each cluster, and how they ended there: ok, tool_error, forbidden, sign_in_needed, timeout, unreachable, no_such_tool, too_large, not_allowed.',
      labelNames: ['cluster', 'outcome'],
      registers,
    }),
    fleetListDuration: new Histogram({
      name: 'rolecall_fleet_list_duration_seconds',
      help: 'How long a cluster of the fleet took for a list (tools, resources, prompts), or until it was given up.',
      labelNames: ['cluster'],
      buckets: LIST_SECONDS_BUCKETS,
      registers,
    }),
  }
}

function providerMetrics(registers: Registry[]): ProviderMetrics {
  return {
    providerFetches: new Counter({
      name: 'rolecall_identity_provider_fetches_total',
      help: 'Fetches of discovery and key documents.',
      labelNames: ['document', 'outcome'],
      registers,
    }),
    providerGrants: new Counter({
      name: 'rolecall_identity_provider_grants_total',
      help: 'Codes and refresh tokens that the identity provider was asked to redeem; misconfigured: our own credential is wrong.',
      labelNames: ['grant', 'outcome'],
      registers,
    }),
    signInSteps: new Counter({
      name: 'rolecall_sign_in_steps_total',
      help: 'Steps of sign-ins: register, authorize, decide, callback, token, refresh, revoke.',
      labelNames: ['step', 'decision'],
      registers,
    }),
    signInFailures: new Counter({
      name: 'rolecall_sign_in_failures_total',
      help: "Steps that failed, by who has to act and the first two digits of Entra's number (65 of AADSTS65001).",
      labelNames: ['step', 'whose', 'aadsts'],
      registers,
    }),
    tokenGrants: new Counter({
      name: 'rolecall_token_requests_total',
      help: 'Requests to our token endpoints: ok, or the OAuth error.',
      labelNames: ['outcome'],
      registers,
    }),
    registrations: new Counter({
      name: 'rolecall_registrations_total',
      help: 'Registrations of clients: ok, or the OAuth error.',
      labelNames: ['outcome'],
      registers,
    }),
  }
}

function operationMetrics(registers: Registry[]): OperationMetrics {
  const configurationCurrent = new Gauge({
    name: 'rolecall_configuration_current',
    help: 'Whether the configuration that was read last is in force: 0 after one that was refused.',
    registers,
  })
  configurationCurrent.set(1)
  return {
    storeErrors: new Counter({
      name: 'rolecall_store_errors_total',
      help: 'Commands that the store did not take, and attempts to connect to it that failed.',
      registers,
    }),
    reloads: new Counter({
      name: 'rolecall_configuration_reloads_total',
      help: 'Readings of the configuration after the start: done, refused or failed.',
      labelNames: ['outcome'],
      registers,
    }),
    configurationCurrent,
    upstreamIdentity: new Gauge({
      name: 'rolecall_upstream_identity',
      help: 'As whom an upstream acts in the cluster: 1 at what was last shown.',
      labelNames: ['resource', 'verdict'],
      registers,
    }),
  }
}
