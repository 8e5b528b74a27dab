import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { startChild, untilAnswers } from '../environment/child-process.ts'
import { freePort } from '../environment/ports.ts'

export interface Target {
  readonly scenario: string
  /** The admin port. */
  readonly port: number
}

/** An alert as it stands at the moment. */
export interface FiringAlert {
  readonly scenario: string
  readonly alert: string
}

/** A real Prometheus (Debian: apt-get install prometheus). */
export interface Prometheus {
  firing(): Promise<readonly FiringAlert[]>
  /** How many series a query returns that have a value. */
  count(query: string): Promise<number>
}

const run = promisify(execFile)

/** Why the tests cannot run, with the remedy; they must where CI=true. */
export async function prometheusMissing(): Promise<string | undefined> {
  if (process.env['CI'] === 'true') return undefined
  const version = await run('promtool', ['--version']).catch(() => undefined)
  return version === undefined ? 'there is no Prometheus: apt-get install prometheus' : undefined
}

/** `promtool` with these arguments; what it says. */
export async function promtool(...given: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run('promtool', [...given])
  return stdout + stderr
}

/** @param rules the content of a rules file */
export async function startPrometheus(
  t: TestContext,
  targets: readonly Target[],
  rules: object,
): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-prometheus-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const config = join(folder, 'prometheus.yaml')
  await writeFile(join(folder, 'rules.yaml'), stringify(rules))
  await writeFile(config, stringify(configurationOf(targets)))
  const child = await startChild({
    command: 'prometheus',
    arguments: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    environment: { PATH: process.env['PATH'] },
  })
  t.after(() => child.close())
  const origin = `http://127.0.0.1:${port}`
  await untilAnswers(child, 'prometheus', `${origin}/-/ready`)
  const ask = async (path: string): Promise<unknown> => {
    const { status, data, error } = (await (
      await fetch(`${origin}/api/v1/${path}`)
    ).json()) as Answer
    if (status !== 'success') throw new Error(`${path}: ${error}`)
    return data
  }
  return {
    async firing() {
      const { alerts } = (await ask('alerts')) as { alerts: Alert[] }
      return alerts
        .filter(({ state }) => state === 'firing')
        .map(({ labels: { scenario = '', alertname = '' } }) => ({ scenario, alert: alertname }))
    },
    async count(query) {
      const { result } = (await ask(`query?query=${encodeURIComponent(query)}`)) as {
        result: Sample[]
      }
      return result.filter(({ value: [, text] }) => text !== 'NaN').length
    },
  }
}

interface Answer {
  readonly status: string
  readonly data: unknown
  readonly error?: string
}

interface Alert {
  readonly state: string
  readonly labels: Readonly<Record<string, string>>
}

interface Sample {
  readonly value: readonly [number, string]
}

function configurationOf(targets: readonly Target[]): object {
  return {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yaml'],
    scrape_configs: [
      {
        job_name: 'rolecall',
        static_configs: targets.map(({ scenario, port }) => ({
          targets: [`127.0.0.1:${port}`],
          labels: { scenario },
        })),
      },
    ],
  }
}
