import { readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** What takes longer or needs more than Node: it has scripts of its own, and runs when it is named. */
const NOT_QUICK = [
  'test/alerts',
  'test/clients',
  'test/deploy',
  'test/idp/dex',
  'test/idp/keycloak',
  'test/kube-apiserver',
  'test/slow',
]

/** What takes longest begins first, so that no process is still at it when the others are done. */
const LONGEST_FIRST = [
  'test/broken-set-ups',
  'test/demo',
  'test/real',
  'test/faults',
  'test/cli',
  'test/environment',
  'test/issuer',
]

/**
 * The test files at these places (files or folders), in the order to run them; without a place the
 * quick suite.
 *
 * @param root the project's folder
 * @throws when a place is not there or has no test file
 */
export function selectTestFiles(root: string, places: readonly string[]): readonly string[] {
  if (places.length === 0) return inOrder(filesBelow(root, 'test', NOT_QUICK))
  const found = places
    .map((place) => relative(root, join(root, place)))
    .map((place) => {
      const files = filesAt(root, place)
      if (files.length === 0) throw new Error(`no test file at ${place}`)
      return files
    })
  return inOrder([...new Set(found.flat())])
}

function filesAt(root: string, place: string): readonly string[] {
  const status = statSync(join(root, place), { throwIfNoEntry: false })
  if (status?.isFile()) return isTestFile(place) ? [place] : []
  const hidden = NOT_QUICK.filter((folder) => !`${place}/`.startsWith(`${folder}/`))
  return status ? filesBelow(root, place, hidden) : []
}

function filesBelow(root: string, folder: string, without: readonly string[]): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (!entry.isDirectory()) return isTestFile(path) ? [path] : []
    return entry.name === 'node_modules' || without.includes(path)
      ? []
      : filesBelow(root, path, without)
  })
}

function isTestFile(path: string): boolean {
  return path.endsWith('.test.ts')
}

function inOrder(files: readonly string[]): readonly string[] {
  const rank = (file: string): number => {
    const index = LONGEST_FIRST.findIndex((folder) => file.startsWith(`${folder}/`))
    return index === -1 ? LONGEST_FIRST.length : index
  }
  return [...files].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}
