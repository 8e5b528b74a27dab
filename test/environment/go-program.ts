import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Child, describeExit, startChild } from './child-process.ts'

/** A program that is built from a published Go module. */
export interface GoProgram {
  /** What people call it. */
  readonly name: string
  /** The folder of our own module, whose go.mod and go.sum fix every version. */
  readonly module: string
  readonly package: string
  /** For the linker, `-X` and the like. */
  readonly link?: string
  /** It is written in C in parts, so that a C compiler is needed. */
  readonly needsC?: boolean
  /** Where it comes to be. */
  readonly path: string
}

const PROGRESS_INTERVAL = 15_000

/**
 * Builds a program and moves it to its place when it is whole. Progress goes to stderr. SIGINT and
 * SIGTERM leave nothing half built.
 *
 * @throws when there is no Go, the build fails, or this process is told to stop
 */
export async function buildGoProgram(program: GoProgram): Promise<void> {
  const folder = dirname(program.path)
  await mkdir(folder, { recursive: true })
  const unfinished = await mkdtemp(join(folder, 'unfinished-'))
  try {
    const output = join(unfinished, basename(program.path))
    await buildTo(output, program, stopSignal())
    await rename(output, program.path)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function buildTo(output: string, program: GoProgram, stopped: AbortSignal): Promise<void> {
  const began = performance.now()
  const seconds = (): string => `${Math.round((performance.now() - began) / 1000)} s`
  console.error(`${program.name} is built into ${dirname(program.path)}`)
  const go = await startGoBuild(output, program)
  // To its whole group: its compilers are to stop too.
  stopped.addEventListener('abort', () => void process.kill(-go.pid, 'SIGINT'), { once: true })
  const timer = setInterval(() => console.error(`not built yet, ${seconds()}`), PROGRESS_INTERVAL)
  const exit = await go.exited.finally(() => clearInterval(timer))
  stopped.throwIfAborted()
  if (exit.code !== 0) throw new Error(`${program.name} was not built: ${describeExit(exit)}`)
  console.error(`built in ${seconds()}`)
}

function startGoBuild(output: string, program: GoProgram): Promise<Child> {
  const link = ['-s -w', program.link ?? ''].join(' ').trim()
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', link, '-o', output]
  return startChild({
    command: 'go',
    // -C must come first: the command's own flags follow it.
    arguments: ['build', '-C', program.module, ...flags, program.package],
    // Go's own work folder goes with ours.
    environment: {
      ...process.env,
      CGO_ENABLED: program.needsC ? '1' : '0',
      GOWORK: 'off',
      GOTMPDIR: dirname(output),
    },
  }).catch((error: unknown) => {
    const cause = error instanceof Error ? error.message : String(error)
    throw new Error(`Go is needed to build ${program.name}, and there is none: ${cause}`)
  })
}

function stopSignal(): AbortSignal {
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stopped.abort(new Error(`stopped by ${signal}`)))
  }
  return stopped.signal
}
