import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const lock = z.object({ packages: z.record(z.string(), z.looseObject({ version: z.string() })) })

/** The version that the lock of this folder installs. */
export function packageVersion(name: string): string {
  const file = fileURLToPath(new URL('../package-lock.json', import.meta.url))
  const version = lock.parse(JSON.parse(readFileSync(file, 'utf8'))).packages[
    `node_modules/${name}`
  ]?.version
  if (version === undefined) throw new Error(`${name} is not in test/clients/package-lock.json`)
  return version
}
