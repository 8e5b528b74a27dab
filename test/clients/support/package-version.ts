import { readFileSync } from 'node:fs'
import { z } from 'zod'

const lock = z.object({ packages: z.record(z.string(), z.looseObject({ version: z.string() })) })

/** The version that the lock files of this folder install. */
export function packageVersion(name: string): string {
  for (const file of ['../package-lock.json', '../inspector/package-lock.json']) {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8')
    const version = lock.parse(JSON.parse(text)).packages[`node_modules/${name}`]?.version
    if (version !== undefined) return version
  }
  throw new Error(`${name} is in no package-lock.json of test/clients`)
}
