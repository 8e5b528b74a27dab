import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { type Prometheus, prometheusMissing, promtool, startPrometheus } from './prometheus.ts'
import { type Scenario, scenarios } from './scenarios.ts'

const monitoring = new URL('../../deploy/helm/rolecall/monitoring/', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, monitoring), 'utf8')

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: object
}

const { groups } = parse(read('alerts.yaml')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)

/** No target: nothing is there for `absent` to find. */
const ABSENT = 'absent'

/** The rules for each scenario's series alone, as the chart fills selectors; `for` in seconds. */
function rulesOf(names: readonly string[]): object {
  return {
    groups: names.map((scenario) => ({
      name: scenario,
      rules: rules.map((rule) => ({
        ...rule,
        expr: rule.expr.replaceAll(/(rolecall_\w+)\{/g, `$1{scenario="${scenario}", `),
        for: '1s',
        labels: { ...rule.labels, scenario },
      })),
    })),
  }
}

async function firingBy(prometheus: Prometheus): Promise<ReadonlyMap<string, readonly string[]>> {
  const firing = new Map<string, Set<string>>()
  for (const { scenario, alert } of await prometheus.firing()) {
    firing.set(scenario, (firing.get(scenario) ?? new Set()).add(alert))
  }
  return new Map([...firing].map(([scenario, alerts]) => [scenario, [...alerts].sort()]))
}

const skip = (await prometheusMissing()) ?? false

const FIRES_WITHIN_MS = 60_000
const QUIET_FOR_MS = 10_000
const ROUND_MS = 1_000

test('promtool takes the rules, and each fires after its time and not before', {
  skip,
}, async () => {
  assert.match(
    await promtool('check', 'rules', fileURLToPath(new URL('alerts.yaml', monitoring))),
    new RegExp(`SUCCESS: ${rules.length} rules found`),
  )
  const durations = fileURLToPath(new URL('durations.yaml', import.meta.url))
  const tested = readFileSync(durations, 'utf8')
  for (const { alert } of rules) assert.ok(tested.includes(`alertname: ${alert}\n`), alert)
  assert.match(await promtool('test', 'rules', durations), /SUCCESS/)
})

test('each alert fires when it is provoked, and no other does; every panel has data', {
  skip,
}, async (t) => {
  const running = new Map<string, Scenario>()
  for (const [name, begin] of Object.entries(scenarios)) running.set(name, await begin(t))
  const provoked = [...running.values()].flatMap(({ alerts }) => alerts)
  for (const { alert } of rules) {
    assert.ok(alert === 'RolecallAbsent' || provoked.includes(alert), `${alert} is not provoked`)
  }
  const expected = new Map([[ABSENT, ['RolecallAbsent']]])
  for (const [name, { alerts }] of running) if (alerts.length > 0) expected.set(name, [...alerts])
  const targets = [...running].map(([scenario, { gateway }]) => ({
    scenario,
    port: gateway.service.adminAddress.port,
  }))
  const prometheus = await startPrometheus(t, targets, rulesOf([...running.keys(), ABSENT]))
  while ((await prometheus.count('rolecall_build_info')) < targets.length) await delay(200)

  const provoke = async (): Promise<void> => {
    await Promise.all([...running.values()].map((scenario) => scenario.provoke?.()))
    await delay(ROUND_MS)
  }
  const deadline = performance.now() + FIRES_WITHIN_MS
  const missing = async (): Promise<string[]> => {
    const firing = await firingBy(prometheus)
    return [...expected].flatMap(([name, alerts]) =>
      alerts
        .filter((alert) => !firing.get(name)?.includes(alert))
        .map((alert) => `${name}: ${alert}`),
    )
  }
  while ((await missing()).length > 0) {
    assert.ok(performance.now() < deadline, `not fired: ${(await missing()).join(', ')}`)
    await provoke()
  }
  const until = performance.now() + QUIET_FOR_MS
  while (performance.now() < until) {
    await provoke()
    assert.deepEqual(await firingBy(prometheus), new Map([...expected].sort(byName)))
  }
  await everyPanelHasData(prometheus)
})

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one.localeCompare(other)
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string
    readonly targets: readonly { readonly expr: string }[]
  }[]
}

async function everyPanelHasData(prometheus: Prometheus): Promise<void> {
  for (const name of ['operator', 'security']) {
    const { panels } = JSON.parse(read(`dashboards/${name}.json`)) as Dashboard
    for (const { title, targets } of panels) {
      for (const { expr } of targets) {
        const query = expr
          .replaceAll('$job', '.*')
          .replaceAll('$__rate_interval', '1m')
          .replaceAll('$__range', '5m')
        assert.ok((await prometheus.count(query)) > 0, `${name}, ${title}: ${query}`)
      }
    }
  }
}
