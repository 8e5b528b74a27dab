import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../clock.ts'
import type { Config } from '../../config/config.ts'
import { load, type Sources } from '../../config/load.ts'
import type { Problem } from '../../config/report/problem.ts'
import { standardOutputLines } from '../../observe/line-writer.ts'
import { errorSummary, type Logger } from '../../observe/logger.ts'
import { createProcessLog, type ProcessLog } from '../../observe/process-log.ts'
import { type Service, startService } from '../../service/service.ts'
import { version } from '../../version.ts'
import { collectGarbage } from '../collect-garbage.ts'
import { badUsage, type Command, type Terminal } from '../command.ts'
import { configurationFrom, configurationUsage } from '../configuration.ts'
import { needsRestart } from '../reload/needs-restart.ts'
import { watchFiles } from '../reload/watched-files.ts'
import { tracingOf } from '../tracing.ts'
import { optimiseParserLater } from './parser-optimisation.ts'

const FLUSHED_WITHIN_MS = 2_000

/** The proxy. */
export const command: Command = {
  summary: 'the proxy',
  usage: `Usage: rolecall serve [--config FILE] [flags]

For a first try no file is needed:
  rolecall serve --upstream URL --issuer URL --audience ID
  rolecall serve --upstream URL --tenant ID

Logs JSON lines on stdout. SIGTERM and SIGINT stop it (twice: at once), SIGHUP reads the
configuration again. Exit: 0 after a clean stop, 1 when an address cannot be had, 2 bad configuration.

${configurationUsage}`,
  async run(argv, terminal) {
    // Node's own handler opens the inspector, where whoever reaches it runs code with our keys.
    process.on('SIGUSR1', () => undefined)
    optimiseParserLater()
    const configuration = configurationFrom(argv, terminal)
    if (configuration === undefined) return badUsage
    const { config, warnings, sources } = configuration
    const output = standardOutputLines()
    const lines = createProcessLog(config.log_level, output)
    const { log } = lines
    process.on('exit', () => output.flushSync())
    tell(log, 'warn', warnings)
    const service = await start({ config, warnings }, lines, terminal)
    if (service === undefined) return 1
    await untilStopped(service, { config, sources, lines })
    await flushed(lines)
    return 0
  },
}

async function start(
  { config, warnings }: { readonly config: Config; readonly warnings: readonly Problem[] },
  lines: ProcessLog,
  terminal: Terminal,
): Promise<Service | undefined> {
  try {
    const { log } = lines
    const service = await startService(config, {
      log,
      lines,
      version,
      warnings,
      tracing: await tracingOf(terminal.environment, log),
    })
    collectGarbage() // while the provider's answers are on their way
    log.info(
      {
        kind: 'start',
        version,
        public_url: config.public_url,
        listen: service.address,
        admin_listen: service.adminAddress,
        sign_in: config.sign_in.mode,
        resources: config.resources.map(({ name, path, audiences, upstream_identity }) => {
          return { name, path, audiences, upstream_identity }
        }),
        ...(config.fleet && {
          fleet: { path: config.fleet.resource.path, clusters: config.fleet.members },
        }),
      },
      'rolecall is serving',
    )
    return service
  } catch (error) {
    terminal.stderr(`rolecall cannot ${whatFailed(error)}\n`)
    return undefined
  }
}

/** Only what `listen` and `admin_listen` can mend is said to be theirs. */
function whatFailed(error: unknown): string {
  const reason = errorSummary(error)
  const isOfSockets = error instanceof Error && 'syscall' in error && error.syscall === 'listen'
  if (!isOfSockets) return `start: ${reason}.`
  return `listen: ${reason}. Set another address in \`listen\` or \`admin_listen\`.`
}

interface Running {
  config: Config
  readonly sources: Sources
  readonly lines: ProcessLog
}

/** Until SIGTERM or SIGINT, and through the stop that follows. */
async function untilStopped(service: Service, running: Running): Promise<void> {
  const { log } = running.lines
  let reloading = Promise.resolve()
  const reload = () => {
    reloading = reloading.then(() => reloadConfiguration(service, running))
  }
  const stopWatching = watchFiles({
    clock: systemClock,
    paths: () => running.config.files,
    read: running.sources.readFile,
    changed: reload,
  })
  process.on('SIGHUP', reload)
  await stopSignal()
  const atOnce = new AbortController()
  void stopSignal().then(() => atOnce.abort())
  log.info({ kind: 'stop' }, 'stopping')
  stopWatching()
  process.off('SIGHUP', reload)
  await reloading
  await service.stop(atOnce.signal)
  log.info({ kind: 'stop' }, 'stopped')
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.off('SIGTERM', stop)
      process.off('SIGINT', stop)
      resolve()
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
  })
}

/** What cannot be used is told and changes nothing. */
async function reloadConfiguration(service: Service, running: Running): Promise<void> {
  const { lines, sources } = running
  const { log } = lines
  const loaded = load(sources)
  if (loaded.kind === 'problems') {
    tell(log, 'error', loaded.problems)
    service.refuseReload(loaded.problems)
    log.error(
      { kind: 'reload', outcome: 'refused' },
      'the new configuration was refused; the old one stays in force',
    )
    return
  }
  const warnings = [...loaded.warnings, ...needsRestart(running.config, loaded.config)]
  tell(log, 'warn', warnings)
  try {
    await service.reload(loaded.config, warnings)
    running.config = loaded.config
    lines.setLevel(loaded.config.log_level)
    log.info({ kind: 'reload', outcome: 'done' }, 'the configuration was reloaded')
  } catch (error) {
    log.error({ kind: 'reload', outcome: 'failed', reason: errorSummary(error) }, 'reload failed')
  }
}

function tell(log: Logger, level: 'warn' | 'error', problems: readonly Problem[]): void {
  for (const { key, message, remedy } of problems) {
    log[level]({ kind: 'configuration', key, remedy }, message)
  }
}

/** A log reader that stands still does not keep the process. */
async function flushed(lines: ProcessLog): Promise<void> {
  const written = new AbortController()
  const late = delay(FLUSHED_WITHIN_MS, undefined, { signal: written.signal })
  await Promise.race([lines.written(), late]).catch(() => undefined)
  written.abort()
  await late.catch(() => undefined)
}
