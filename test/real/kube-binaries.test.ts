import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  findKubeBinaries,
  KUBE_PROGRAMS,
  kubeCacheFolder,
  realClusterAvailable,
  realClusterMissing,
} from '../environment/cluster/real/kube-binaries.ts'
import { buildKubeBinaries } from '../environment/cluster/real/kube-build.ts'
import { temporaryFolder, writeProgram } from './programs.ts'

async function folderWith(t: TestContext, ...programs: string[]): Promise<string> {
  const folder = await temporaryFolder(t)
  for (const program of programs) await writeProgram(folder, program, 'exit 0')
  return folder
}

test('KUBEBUILDER_ASSETS is where they are, the cache or not', async (t) => {
  const folder = await folderWith(t, ...KUBE_PROGRAMS)
  const environment = { KUBEBUILDER_ASSETS: folder, XDG_CACHE_HOME: '/nowhere' }
  assert.equal(findKubeBinaries(environment).etcd, join(folder, 'etcd'))
  assert.equal(realClusterAvailable(environment), true)
})

test('what KUBEBUILDER_ASSETS lacks is named, and the cache is not asked', async (t) => {
  const folder = await folderWith(t, 'kube-apiserver')
  const cache = await temporaryFolder(t)
  const environment = { KUBEBUILDER_ASSETS: folder, XDG_CACHE_HOME: cache }
  await mkdir(kubeCacheFolder(environment), { recursive: true })
  for (const program of KUBE_PROGRAMS) {
    await writeProgram(kubeCacheFolder(environment), program, 'exit 0')
  }
  const missing = `KUBEBUILDER_ASSETS is ${folder}, where there is no etcd, kubectl`
  assert.equal(realClusterMissing(environment), missing)
  assert.equal(realClusterAvailable(environment), false)
})

test('a file that cannot be executed is missing', async (t) => {
  const folder = await folderWith(t, ...KUBE_PROGRAMS)
  await chmod(join(folder, 'etcd'), 0o644)
  assert.match(realClusterMissing({ KUBEBUILDER_ASSETS: folder }) ?? '', /there is no etcd$/)
})

test('an empty cache is told with the command that fills it', () => {
  assert.throws(
    () => findKubeBinaries({ XDG_CACHE_HOME: '/nowhere' }),
    /^Error: no etcd, kube-apiserver, kubectl in \/nowhere\/rolecall\/kube-v1\.36\.3: build them with "npm run cluster:build"/,
  )
})

test('a relative XDG_CACHE_HOME is ignored, as its specification says', () => {
  assert.equal(kubeCacheFolder({ XDG_CACHE_HOME: 'here' }), kubeCacheFolder({}))
})

interface Build {
  readonly environment: NodeJS.ProcessEnv
  readonly folder: string
  readonly lines: string[]
  readonly progress: (line: string) => void
}

/** A Go that answers `version`, and for `build -C DIR` runs the script with `$OUTPUT` set. */
async function buildWith(t: TestContext, version: string, script: string): Promise<Build> {
  const path = await temporaryFolder(t)
  const cache = await temporaryFolder(t)
  await writeProgram(
    path,
    'go',
    [
      `if [ "$1" = version ]; then echo "${version}"; exit 0; fi`,
      'while [ "$1" != -o ]; do shift; done',
      'OUTPUT="$2"; PACKAGE="$3"',
      script,
    ].join('\n'),
  )
  const environment = { PATH: `${path}:${process.env['PATH']}`, XDG_CACHE_HOME: cache }
  const lines: string[] = []
  const progress = (line: string): void => void lines.push(line)
  return { environment, folder: kubeCacheFolder(environment), lines, progress }
}

const GO = 'go version go1.26.8 linux/amd64'
const WRITE = 'echo "$PACKAGE" > "$OUTPUT"; chmod +x "$OUTPUT"'

test('each program is built from its package and told with its time', async (t) => {
  const { folder, lines, ...options } = await buildWith(t, GO, WRITE)
  const binaries = await buildKubeBinaries(options)
  assert.deepEqual(binaries, findKubeBinaries(options.environment))
  assert.deepEqual((await readdir(folder)).sort(), [...KUBE_PROGRAMS])
  assert.equal(await readFile(binaries.etcd, 'utf8'), 'go.etcd.io/etcd/server/v3\n')
  assert.deepEqual(lines, [
    GO,
    'etcd (1 of 3): building',
    'etcd (1 of 3): built in 0 s',
    'kube-apiserver (2 of 3): building',
    'kube-apiserver (2 of 3): built in 0 s',
    'kubectl (3 of 3): building',
    'kubectl (3 of 3): built in 0 s',
  ])
})

test('a build that fails is told in the words of Go, and leaves nothing half', async (t) => {
  const script = `${WRITE}; case "$PACKAGE" in *apiserver) echo "no space left" >&2; exit 1;; esac`
  const { folder, ...options } = await buildWith(t, GO, script)
  await assert.rejects(
    buildKubeBinaries(options),
    /^Error: kube-apiserver was not built: it exited with code 1\n {4}no space left$/,
  )
  assert.deepEqual(await readdir(folder), ['etcd'])
})

test('a build that is stopped leaves nothing half', async (t) => {
  const { folder, ...options } = await buildWith(t, GO, `${WRITE}; exec sleep 60`)
  const stopped = new AbortController()
  const progress = (line: string): void => {
    if (line.endsWith('building')) setImmediate(() => stopped.abort(new Error('stopped')))
  }
  await assert.rejects(
    buildKubeBinaries({ ...options, progress, signal: stopped.signal }),
    /^Error: stopped$/,
  )
  assert.deepEqual(await readdir(folder), [])
})

for (const version of ['go1.25.9', 'go1.9', 'gibberish']) {
  test(`${version} is too old, and what is needed is said`, async (t) => {
    const options = await buildWith(t, version, WRITE)
    await assert.rejects(
      buildKubeBinaries(options),
      new RegExp(`^Error: Go 1.26.0 or newer is needed .* Kubernetes v1.36.3; here: ${version}$`),
    )
  })
}

test('without Go it is said that there is none', async (t) => {
  const PATH = await temporaryFolder(t)
  await assert.rejects(
    buildKubeBinaries({ progress: () => undefined, environment: { PATH, XDG_CACHE_HOME: PATH } }),
    /^Error: Go 1\.26\.0 or newer is needed .*, and there is none: spawn go ENOENT$/,
  )
})

for (const [CI, code, line] of [
  ['true', 1, /^not ok .* real cluster, trust: structured$/m],
  ['', 0, /^ok .* real cluster, trust: structured # SKIP no etcd, .*"npm run cluster:build"/m],
] as const) {
  test(`without the programs and with CI=${CI} the suites of the real cluster ${CI ? 'fail' : 'are skipped and named'}`, () => {
    const { NODE_TEST_CONTEXT: _ours, ...environment } = process.env
    const run = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--test', '--test-reporter=tap', 'test/real/cluster.test.ts'],
      {
        cwd: join(dirname(import.meta.dirname), '..'),
        encoding: 'utf8',
        env: { ...environment, CI, KUBEBUILDER_ASSETS: '', XDG_CACHE_HOME: '/nowhere' },
      },
    )
    assert.equal(run.status, code, run.stdout)
    assert.match(run.stdout, line)
    assert.match(run.stdout, /npm run cluster:build/)
  })
}
