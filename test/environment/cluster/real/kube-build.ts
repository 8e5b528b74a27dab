import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, type ChildExit, describeExit, startChild } from '../../child-process.ts'
import {
  binariesIn,
  KUBE_PROGRAMS,
  KUBERNETES_VERSION,
  type KubeBinaries,
  type KubeProgram,
  kubeCacheFolder,
} from './kube-binaries.ts'

export interface KubeBuildOptions {
  /** Told which program is being built, how long it takes, and that it is there. */
  readonly progress: (line: string) => void
  /** Ends the build. */
  readonly signal?: AbortSignal
  /** Where Go, its caches and our cache are. Default: this process's. */
  readonly environment?: NodeJS.ProcessEnv
}

const MODULE = fileURLToPath(new URL('../../../kube-apiserver', import.meta.url))
const PACKAGES: Readonly<Record<KubeProgram, string>> = {
  etcd: 'go.etcd.io/etcd/server/v3',
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
}
const VERSION_VARIABLE = 'k8s.io/component-base/version.gitVersion'
const PROGRESS_INTERVAL = 15_000

/**
 * Builds etcd, kube-apiserver and kubectl from their published Go modules, at the versions that
 * `test/kube-apiserver/go.mod` and `go.sum` fix, into the cache folder. Each is moved there when it
 * is whole; what is there already is built again, which is quick while Go's own cache is warm.
 *
 * @throws when there is no Go or it is too old, a build fails, or the signal is given
 */
export async function buildKubeBinaries(options: KubeBuildOptions): Promise<KubeBinaries> {
  const environment = buildEnvironment(options.environment ?? process.env)
  options.progress(await checkedGoVersion(environment))
  const folder = kubeCacheFolder(environment)
  await mkdir(folder, { recursive: true })
  const unfinished = await mkdtemp(join(folder, 'unfinished-'))
  try {
    for (const program of KUBE_PROGRAMS) {
      const output = join(unfinished, program)
      // Go's own work folder goes with ours, also when it is stopped.
      const inside = { ...environment, GOTMPDIR: unfinished }
      await buildProgram(program, output, { ...options, environment: inside })
      await rename(output, join(folder, program))
    }
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return binariesIn(folder)
}

/** No C compiler is asked for, and no workspace of the folders above is joined. */
function buildEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, CGO_ENABLED: '0', GOWORK: 'off' }
}

/** The words of `go version`, asked where go.mod may make Go fetch a newer toolchain. */
async function checkedGoVersion(environment: NodeJS.ProcessEnv): Promise<string> {
  const needed = /^go (\S+)$/m.exec(await readFile(join(MODULE, 'go.mod'), 'utf8'))?.[1] ?? ''
  const remedy = `Go ${needed} or newer is needed to build Kubernetes ${KUBERNETES_VERSION}`
  const { exited } = await startGo(['version'], environment).catch((error: unknown) => {
    const cause = error instanceof Error ? error.message : String(error)
    throw new Error(`${remedy}, and there is none: ${cause}`)
  })
  const exit = await exited
  const words = exit.lastLines.join('\n')
  const found = /\bgo(\d+)\.(\d+)/.exec(words)
  const [major = 0, minor = 0] = needed.split('.').map(Number)
  const enough =
    found && (Number(found[1]) > major || (Number(found[1]) === major && Number(found[2]) >= minor))
  if (exit.code !== 0 || !enough) throw new Error(`${remedy}; here: ${words}`)
  return words
}

async function buildProgram(
  program: KubeProgram,
  output: string,
  { progress, signal, environment }: KubeBuildOptions & { environment: NodeJS.ProcessEnv },
): Promise<void> {
  signal?.throwIfAborted()
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags']
  const link = `-s -w -X ${VERSION_VARIABLE}=${KUBERNETES_VERSION}`
  const started = performance.now()
  const seconds = (): string => `${Math.round((performance.now() - started) / 1000)} s`
  const position = `${KUBE_PROGRAMS.indexOf(program) + 1} of ${KUBE_PROGRAMS.length}`
  progress(`${program} (${position}): building`)
  const build = ['build', ...flags, link, '-o', output, PACKAGES[program]]
  const go = await startGo(build, environment)
  const timer = setInterval(() => {
    progress(`${program} (${position}): still building, ${seconds()}`)
  }, PROGRESS_INTERVAL)
  const exit = await endedOrStopped(go, signal).finally(() => clearInterval(timer))
  signal?.throwIfAborted()
  if (exit.code !== 0) throw new Error(`${program} was not built: ${describeExit(exit)}`)
  progress(`${program} (${position}): built in ${seconds()}`)
}

async function endedOrStopped(go: Child, signal: AbortSignal | undefined): Promise<ChildExit> {
  // To its whole group: its compilers are to stop too.
  const stop = (): void => void process.kill(-go.pid, 'SIGINT')
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return await go.exited
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

function startGo(parameters: readonly string[], environment: NodeJS.ProcessEnv): Promise<Child> {
  // -C must come first: the command's own flags follow it.
  const [command = '', ...rest] = parameters
  return startChild({ command: 'go', arguments: [command, '-C', MODULE, ...rest], environment })
}
