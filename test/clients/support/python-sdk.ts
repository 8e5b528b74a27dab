import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The two lines of the Python SDK; what is pinned is in `python/mcp-<line>.txt`. */
export type PythonSdkLine = '1' | '2'

/**
 * The Python that has one line of the SDK and what it was released with, in a folder of its own in
 * the cache (`$XDG_CACHE_HOME` or `~/.cache`); installed at the first call, and again when the pinned
 * list changes.
 *
 * @throws when there is no Python from 3.10 on, or the packages are not to be had
 */
export async function pythonWithSdk(line: PythonSdkLine): Promise<string> {
  const list = listOf(line)
  const digest = createHash('sha256')
    .update(await readFile(list))
    .digest('hex')
    .slice(0, 12)
  const folder = join(cacheFolder(), `python-mcp-${line}-${digest}`)
  const python = join(folder, 'bin', 'python')
  const done = join(folder, 'installed')
  if (existsSync(done)) return python
  await rm(folder, { recursive: true, force: true })
  await mkdir(cacheFolder(), { recursive: true })
  await requirePython()
  await run('python3', ['-m', 'venv', folder])
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input']
  await run(python, ['-m', 'pip', 'install', ...quiet, '--requirement', list])
  await writeFile(done, '')
  return python
}

/** The version of the SDK in the list of one line. */
export async function pinnedSdkVersion(line: PythonSdkLine): Promise<string> {
  const version = /^mcp==(.+)$/m.exec(await readFile(listOf(line), 'utf8'))?.[1]
  if (version === undefined) throw new Error(`${listOf(line)} does not pin mcp`)
  return version
}

function listOf(line: PythonSdkLine): string {
  return fileURLToPath(new URL(`../python/mcp-${line}.txt`, import.meta.url))
}

async function requirePython(): Promise<void> {
  const question = 'import sys; sys.exit(sys.version_info < (3, 10))'
  await run('python3', ['-c', question]).catch(() => {
    throw new Error('the Python SDK needs python3, 3.10 or later, with its venv module')
  })
}

function cacheFolder(): string {
  const chosen = process.env['XDG_CACHE_HOME'] ?? ''
  return join(isAbsolute(chosen) ? chosen : join(homedir(), '.cache'), 'rolecall')
}
