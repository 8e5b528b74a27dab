import { readFileSync } from 'node:fs'
import { stringify } from 'smol-toml'
import { command as check } from '../../src/cli/check/check.ts'
import type { Terminal } from '../../src/cli/command.ts'
import { command as doctor } from '../../src/cli/doctor/doctor.ts'
import { type DoctorCheck, reportSchema } from '../../src/cli/doctor/report.ts'
import { load } from '../../src/config/load.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { startService } from '../../src/service/service.ts'
import { LineSink } from '../support/gateway.ts'
import { recordingTerminal } from '../support/terminal.ts'
import type { SetUp, Teller } from './set-up.ts'
import type { World } from './world.ts'

const path = '/etc/rolecall/rolecall.toml'

/** One thing that was said to be wrong, with what to do. */
export interface Told {
  readonly by: Teller
  readonly sentence: string
  readonly remedy: string
  /** Of doctor: how grave it is. */
  readonly verdict?: DoctorCheck['verdict']
}

/** What check, doctor and the running program said of a set-up. */
export interface Examined {
  readonly told: readonly Told[]
  readonly exit: { readonly check: number; readonly doctor?: number }
}

/** Runs all three on a set-up, in this process; rolecall is really served meanwhile. */
export async function examine(setUp: SetUp, world: World): Promise<Examined> {
  const { stdout: _out, ...checked } = await run(check, setUp, [])
  const problems = problemsIn(checked.stderr)
  if (setUp.onlyChecked) return { told: problems, exit: { check: checked.code } }
  const sink = new LineSink()
  if (checked.code === 0 && !setUp.notServed) {
    await serve(setUp, sink, world)
    await setUp.visit?.()
  }
  const examined = await run(doctor, setUp, ['--json', ...(setUp.argv ?? [])])
  return {
    told: [...problems, ...checksIn(examined.stdout), ...sink.lines.flatMap(lineTold)],
    exit: { check: checked.code, doctor: examined.code },
  }
}

interface Command {
  run(argv: readonly string[], terminal: Terminal): Promise<number>
}

async function run(command: Command, setUp: SetUp, argv: readonly string[]) {
  const terminal = terminalFor(setUp)
  const code = await command.run(['--config', path, ...argv], terminal)
  return { code, stdout: terminal.out(), stderr: terminal.err() }
}

function terminalFor({ file, files = {}, environment = {} }: SetUp) {
  const terminal = recordingTerminal({}, environment)
  const readFile = (name: string): string => {
    if (name === path) return stringify(file)
    const content = files[name]
    if (typeof content === 'string') return content
    if (content !== undefined) throw Object.assign(new Error('unreadable'), content)
    return readFileSync(name, 'utf8')
  }
  return { ...terminal, readFile }
}

async function serve(setUp: SetUp, sink: LineSink, world: World): Promise<void> {
  const { readFile, environment } = terminalFor(setUp)
  const loaded = load({ flags: { config: path }, environment, readFile })
  if (loaded.kind !== 'config') throw new Error('check took what load does not')
  const log = createLogger('info', sink)
  const options = { log, version: '0.0.0-test', probesUpstreams: false }
  const service = await startService(loaded.config, options)
  world.after(() => service.stop(AbortSignal.abort()))
  for (let i = 0; i < 50 && !service.readiness().ready && setUp.visit; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Errors and warnings of check, as they are printed. */
function problemsIn(stderr: string): readonly Told[] {
  return [...stderr.matchAll(/^(?:error|warning): (.*)\n {2}(.*)$/gm)].map(
    ([, sentence = '', remedy = '']) => ({ by: 'check', sentence, remedy }),
  )
}

function checksIn(stdout: string): readonly Told[] {
  if (stdout === '') return []
  const { checks } = reportSchema.parse(JSON.parse(stdout))
  return checks
    .filter(({ verdict }) => verdict !== 'ok')
    .map(({ verdict, name, resource, sentence, remedy = '' }) => {
      const title = resource === undefined ? name : `${name} of ${resource}`
      return { by: 'doctor', verdict, sentence: `${title}: ${sentence}`, remedy }
    })
}

/** At a sign-in only: what the program says by itself, check and doctor say before. */
function lineTold({
  kind,
  level,
  msg,
  remedy,
}: Readonly<Record<string, unknown>>): readonly Told[] {
  if (kind !== 'sign_in' || (level !== 'warn' && level !== 'error')) return []
  return [{ by: 'serve', sentence: String(msg), remedy: String(remedy ?? '') }]
}
