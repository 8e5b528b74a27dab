import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, describeExit, startChild } from '../../environment/child-process.ts'
import { DEX, dexFolder, findDex } from './distribution.ts'

const MODULE = fileURLToPath(new URL('module', import.meta.url))
const PROGRESS_INTERVAL = 15_000

/**
 * `npm run idp:dex`: builds dex from its published Go module, at the versions that `module/go.mod`
 * and `module/go.sum` fix (35 MB). Nothing is done where it is there already. Ends with 0; with 1 when
 * it cannot, with the reason on stderr. SIGINT and SIGTERM leave nothing half built.
 */
async function main(): Promise<void> {
  const folder = dexFolder()
  try {
    console.log(findDex())
    return
  } catch {
    console.error(`dex ${DEX.version} is built into ${folder}`)
  }
  await mkdir(folder, { recursive: true })
  const unfinished = await mkdtemp(join(folder, 'unfinished-'))
  try {
    await buildIn(unfinished, stopSignal())
    await rename(join(unfinished, 'dex'), join(folder, 'dex'))
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  console.log(findDex())
}

async function buildIn(folder: string, stopped: AbortSignal): Promise<void> {
  const began = performance.now()
  const seconds = (): string => `${Math.round((performance.now() - began) / 1000)} s`
  const go = await startGoBuild(folder)
  // To its whole group: its compilers are to stop too.
  stopped.addEventListener('abort', () => void process.kill(-go.pid, 'SIGINT'), { once: true })
  const timer = setInterval(() => console.error(`not built yet, ${seconds()}`), PROGRESS_INTERVAL)
  const exit = await go.exited.finally(() => clearInterval(timer))
  stopped.throwIfAborted()
  if (exit.code !== 0) throw new Error(`dex was not built: ${describeExit(exit)}`)
  console.error(`built in ${seconds()}`)
}

function startGoBuild(folder: string): Promise<Child> {
  const link = `-s -w -X main.version=v${DEX.version}`
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', link, '-o', join(folder, 'dex')]
  return startChild({
    command: 'go',
    // -C must come first: the command's own flags follow it.
    arguments: ['build', '-C', MODULE, ...flags, DEX.package],
    // It does not compile without its SQLite, which is C. Go's own work folder goes with ours.
    environment: { ...process.env, CGO_ENABLED: '1', GOWORK: 'off', GOTMPDIR: folder },
  }).catch((error: unknown) => {
    const cause = error instanceof Error ? error.message : String(error)
    throw new Error(`Go is needed to build dex, and there is none: ${cause}`)
  })
}

function stopSignal(): AbortSignal {
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stopped.abort(new Error(`stopped by ${signal}`)))
  }
  return stopped.signal
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
