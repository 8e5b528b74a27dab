import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildGoProgram } from '../../environment/go-program.ts'
import { DEX, dexFolder, findDex } from './distribution.ts'

/**
 * `npm run idp:dex`: builds dex from its published Go module, at the versions that `module/go.mod`
 * and `module/go.sum` fix (35 MB). Nothing is done where it is there already. Ends with 0; with 1 when
 * it cannot, with the reason on stderr. SIGINT and SIGTERM leave nothing half built.
 */
async function main(): Promise<void> {
  try {
    console.log(findDex())
    return
  } catch {
    await buildGoProgram({
      name: 'dex',
      module: fileURLToPath(new URL('module', import.meta.url)),
      package: DEX.package,
      link: `-X main.version=v${DEX.version}`,
      // It does not compile without its SQLite.
      needsC: true,
      path: join(dexFolder(), 'dex'),
    })
  }
  console.log(findDex())
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
