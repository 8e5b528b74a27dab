import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Where packages are looked for: in `test/clients`, and the Inspector in a folder of its own. */
const FOLDERS = [import.meta.url, new URL('../inspector/', import.meta.url)].map(createRequire)

/** A file of an npm package here that is run as a program. */
export function installedProgram(name: string, path: string): string {
  for (const require of FOLDERS) {
    try {
      return join(dirname(require.resolve(`${name}/package.json`)), path)
    } catch {
      // It is in the other one, or nowhere.
    }
  }
  throw new Error(`${name} is not installed: npm run clients:install`)
}

/** For programs that need Node 22; where this is older, the one that npm installed beside them. */
export function nodeFromVersion22(): string {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath
  const { platform, arch } = process
  const isAppleSilicon = platform === 'darwin' && arch === 'arm64'
  const name = `${isAppleSilicon ? 'node-bin' : 'node'}-${platform}-${arch}`
  return installedProgram(name, join('bin', 'node'))
}
