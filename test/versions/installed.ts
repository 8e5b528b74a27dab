import { readFileSync } from 'node:fs'
import { NODE_FLOOR, PACKAGE_FLOORS } from './floors.ts'
import { type Installed, type JudgedVersion, judgeVersions } from './judge-versions.ts'

const lockFile = new URL('../../node_modules/.package-lock.json', import.meta.url)

/** Every package that npm has installed, each copy by itself, and this Node.js. */
export function installedVersions(): readonly Installed[] {
  const { packages } = JSON.parse(readFileSync(lockFile, 'utf8')) as {
    packages: Readonly<Record<string, { readonly version: string }>>
  }
  const copies = Object.entries(packages).map(([place, { version }]) => {
    return { name: place.slice(place.lastIndexOf('node_modules/') + 13), version, place }
  })
  const { node } = process.versions
  return [...copies, { name: 'node', version: node, place: process.execPath }]
}

/** All of them against the table. */
export function judgeInstalled(): readonly JudgedVersion[] {
  return judgeVersions(installedVersions(), [...PACKAGE_FLOORS, NODE_FLOOR])
}
