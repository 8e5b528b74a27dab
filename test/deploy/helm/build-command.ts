import { execFile } from 'node:child_process'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { buildGoProgram } from '../../environment/go-program.ts'
import {
  DEFINITIONS,
  definitionPath,
  HELM_VERSION,
  helmFolder,
  helmMissing,
} from './distribution.ts'

/**
 * `npm run helm:build`: builds Helm from its published Go module, at the versions that
 * `module/go.mod` and `module/go.sum` fix (60 MB), and gets the definitions of the kinds that the
 * chart uses and an API server lacks. Nothing is done where all is there. Ends with 0; with 1 when it
 * cannot, with the reason on stderr.
 */
async function main(): Promise<void> {
  const path = join(helmFolder(), 'helm')
  if (helmMissing() !== undefined) {
    await buildGoProgram({
      name: 'helm',
      module: fileURLToPath(new URL('module', import.meta.url)),
      package: 'helm.sh/helm/v4/cmd/helm',
      link: `-X helm.sh/helm/v4/internal/version.version=${HELM_VERSION}`,
      path,
    })
    for (const definition of DEFINITIONS) await getDefinition(definition)
  }
  console.log(path)
}

/** Go checks what it downloads against the public checksum database; we, against what we know. */
async function getDefinition({ module, sum, file }: (typeof DEFINITIONS)[number]): Promise<void> {
  const { stdout } = await promisify(execFile)('go', ['mod', 'download', '-json', module], {
    env: { ...process.env, GOWORK: 'off' },
    cwd: helmFolder(),
  })
  const { Dir: folder, Sum: found } = JSON.parse(stdout) as { Dir: string; Sum: string }
  if (found !== sum) throw new Error(`${module} has the checksum ${found}, not ${sum}`)
  await copyFile(join(folder, file), definitionPath(file))
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
