import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { describeExit, startChild } from '../../environment/child-process.ts'
import { findKeycloak, KEYCLOAK, keycloakFolder } from './distribution.ts'

const PROGRESS_INTERVAL = 15_000

/**
 * `npm run idp:keycloak`: fetches Keycloak from Maven Central, checks what came, unpacks it and builds
 * it (176 MB to fetch, 187 MB kept). Nothing is done where it is there already. Ends with 0; with 1
 * when it cannot, with the reason on stderr.
 */
async function main(): Promise<void> {
  const folder = keycloakFolder()
  try {
    console.log(findKeycloak())
    return
  } catch {
    console.error(`Keycloak ${KEYCLOAK.version} is fetched into ${folder}`)
  }
  await mkdir(dirname(folder), { recursive: true })
  const unfinished = await mkdtemp(`${folder}-unfinished-`)
  try {
    await prepareIn(unfinished)
    await rename(join(unfinished, `keycloak-${KEYCLOAK.version}`), folder)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  console.log(findKeycloak())
}

async function prepareIn(folder: string): Promise<void> {
  const archive = join(folder, KEYCLOAK.file)
  const copy = ['dependency:copy', `-Dartifact=${KEYCLOAK.artifact}`, `-DoutputDirectory=${folder}`]
  await run('fetched', 'mvn', ['-q', '-B', ...copy])
  const hash = createHash('sha256')
  await pipeline(createReadStream(archive), hash)
  const sha256 = hash.digest('hex')
  if (sha256 !== KEYCLOAK.sha256) {
    throw new Error(`${KEYCLOAK.file} has SHA-256 ${sha256}, and not ${KEYCLOAK.sha256}`)
  }
  await run('unpacked', 'tar', ['-xzf', archive, '-C', folder])
  const kc = join(folder, `keycloak-${KEYCLOAK.version}`, 'bin', 'kc.sh')
  await run('built', kc, ['build', ...KEYCLOAK.buildOptions])
}

async function run(what: string, command: string, parameters: readonly string[]): Promise<void> {
  const began = performance.now()
  const seconds = (): string => `${Math.round((performance.now() - began) / 1000)} s`
  const environment = { ...process.env, JAVA_OPTS_KC_HEAP: '-Xmx512m' }
  const child = await startChild({ command, arguments: parameters, environment })
  const timer = setInterval(() => console.error(`not ${what} yet, ${seconds()}`), PROGRESS_INTERVAL)
  const exit = await child.exited.finally(() => clearInterval(timer))
  if (exit.code !== 0) throw new Error(`Keycloak was not ${what}: ${describeExit(exit)}`)
  console.error(`${what} in ${seconds()}`)
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
