import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * The Python that has what `python/<name>.txt` pins, in a folder of its own in the cache
 * (`$XDG_CACHE_HOME` or `~/.cache`); installed at the first call, and again when the list changes.
 *
 * @param name the list's, `mcp-1`
 * @param install how the folder becomes an environment with the list's packages
 * @returns the path of the interpreter
 * @throws as `install` does
 */
export async function pythonEnvironment(
  name: string,
  install: (folder: string, list: string) => Promise<void> = installWithPip,
): Promise<string> {
  const list = listOf(name)
  const digest = createHash('sha256')
    .update(await readFile(list))
    .digest('hex')
    .slice(0, 12)
  const folder = join(cacheFolder(), `python-${name}-${digest}`)
  const done = join(folder, 'installed')
  if (!existsSync(done)) {
    process.stderr.write(`installing ${list} into ${folder}\n`)
    await rm(folder, { recursive: true, force: true })
    await mkdir(cacheFolder(), { recursive: true })
    await install(folder, list)
    await writeFile(done, '')
  }
  return interpreterOf(folder)
}

/**
 * The version of a package that a list pins.
 *
 * @throws when it does not
 */
export async function pinnedVersion(name: string, distribution: string): Promise<string> {
  const lines = (await readFile(listOf(name), 'utf8')).split('\n')
  const start = `${distribution}==`
  const line = lines.find((text) => text.startsWith(start))
  if (line === undefined) throw new Error(`${listOf(name)} does not pin ${distribution}`)
  return line.slice(start.length)
}

/** By pip alone, with the Python that is there. */
export async function installWithPip(folder: string, list: string): Promise<void> {
  await requirePython()
  await run('python3', ['-m', 'venv', folder])
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input']
  await run(interpreterOf(folder), ['-m', 'pip', 'install', ...quiet, '--requirement', list])
}

/**
 * By uv, which pip brings: for a list of hundreds, seconds instead of minutes. It takes any Python of
 * these versions that it finds. Where there is no uv for this machine, by pip.
 *
 * @param versions as uv has them, `>=3.10,<3.14`
 */
export async function installWithUv(folder: string, list: string, versions: string): Promise<void> {
  const withUv = await pythonEnvironment('uv').catch(() => undefined)
  if (withUv === undefined) return installWithPip(folder, list)
  const uv = (...words: string[]) => run(withUv, ['-m', 'uv', '--quiet', ...words])
  await uv('venv', '--python', versions, folder)
  await uv('pip', 'install', '--python', interpreterOf(folder), '--requirement', list)
}

function listOf(name: string): string {
  return fileURLToPath(new URL(`../python/${name}.txt`, import.meta.url))
}

function interpreterOf(folder: string): string {
  return join(folder, 'bin', 'python')
}

async function requirePython(): Promise<void> {
  const question = 'import sys; sys.exit(sys.version_info < (3, 10))'
  await run('python3', ['-c', question]).catch(() => {
    throw new Error('this needs python3, 3.10 or later, with its venv module')
  })
}

function cacheFolder(): string {
  const chosen = process.env['XDG_CACHE_HOME'] ?? ''
  return join(isAbsolute(chosen) ? chosen : join(homedir(), '.cache'), 'rolecall')
}
