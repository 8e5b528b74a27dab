import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** A file of an npm package here that is run as a program. */
export function installedProgram(name: string, path: string): string {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
  return join(dirname(manifest), path)
}

/** For programs that need Node 22; where this is older, the one that npm installed beside them. */
export function nodeFromVersion22(): string {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath
  const { platform, arch } = process
  const isAppleSilicon = platform === 'darwin' && arch === 'arm64'
  const name = `${isAppleSilicon ? 'node-bin' : 'node'}-${platform}-${arch}`
  return installedProgram(name, join('bin', 'node'))
}
