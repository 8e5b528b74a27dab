import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** The one core that what is measured runs on, and the one for everything that measures it. */
export const CORE = { measured: 0, measuring: 1 } as const

const STARTS_WITHIN_MS = 20_000

const children: ChildProcess[] = []

/**
 * Starts a program on one core and waits until its port answers.
 *
 * @returns its process id
 * @throws Error when it does not answer within 20 s
 */
export async function startPinned(
  core: number,
  command: readonly string[],
  { port, environment = {} }: { readonly port: number; readonly environment?: NodeJS.ProcessEnv },
): Promise<number> {
  const child = spawn('taskset', ['-c', String(core), ...command], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...environment },
  })
  children.push(child)
  const deadline = performance.now() + STARTS_WITHIN_MS
  while (performance.now() < deadline && child.exitCode === null && child.pid !== undefined) {
    if (await answers(port)) return child.pid
    await delay(5)
  }
  throw new Error(`${command.join(' ')} does not answer on port ${port}`)
}

/** Ends one program that was started here. */
export async function end(pid: number): Promise<void> {
  await endEach(children.filter((child) => child.pid === pid))
}

/** Ends everything that was started here. */
export async function endAll(): Promise<void> {
  await endEach(children)
}

async function endEach(programs: readonly ChildProcess[]): Promise<void> {
  const running = programs.filter(({ exitCode, signalCode }) => exitCode === null && !signalCode)
  const ended = running.map((child) => new Promise((resolve) => child.once('exit', resolve)))
  for (const child of running) child.kill('SIGTERM')
  await Promise.race([Promise.all(ended), delay(5_000, undefined, { ref: false })])
  for (const child of running) child.kill('SIGKILL')
}

const MOST_DESCRIPTORS = 40_000

/**
 * For this process and all that it starts, as far as it may: a stream takes two of a gateway's. Beyond its
 * hard limit only with CAP_SYS_RESOURCE, which root in a container need not have.
 */
export function raiseDescriptors(): void {
  const both = `--nofile=${MOST_DESCRIPTORS}:${MOST_DESCRIPTORS}`
  spawnSync('prlimit', ['--pid', String(process.pid), both], { stdio: 'ignore' })
}

/**
 * Processor time of a process and its children so far, in seconds: of all their threads, to the
 * nanosecond, where /proc/PID/stat counts in hundredths of a second.
 */
export function cpuSeconds(pid: number): number {
  const tasks = family(pid).flatMap((member) =>
    readdirSync(`/proc/${member}/task`).map((task) => `/proc/${member}/task/${task}/schedstat`),
  )
  return tasks.reduce((sum, file) => sum + onCoreNanoseconds(file) / 1e9, 0)
}

function onCoreNanoseconds(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8').split(' ')[0])
  } catch {
    return 0 // the thread ended meanwhile
  }
}

/** Resident memory of a process and its children, in KiB. */
export function residentKiB(pid: number): number {
  return family(pid).reduce((sum, member) => {
    const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${member}/status`, 'utf8'))
    return sum + Number(match?.[1] ?? 0)
  }, 0)
}

/** nginx and HAProxy do their work in a child. */
function family(pid: number): readonly number[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => parentOf(other) === pid)
  return [pid, ...children]
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(statOf(pid)[1])
  } catch {
    return undefined // ended meanwhile
  }
}

/** The fields of /proc/PID/stat behind the name, which may hold anything. */
function statOf(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => socket.destroy() && resolve(true))
    socket.on('error', () => resolve(false))
  })
}
