import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CORE } from '../pinned-process.ts'

const PROGRAM = fileURLToPath(new URL('./new-tokens-sender.ts', import.meta.url))

/**
 * Begins to send calls at a fixed rate, each with a token of its own, until they are used up.
 *
 * @returns ends it
 * @throws Error there when an answer was not 200, or none came
 */
export async function sendNewTokens(
  url: string,
  tokens: readonly string[],
  { folder, perSecond }: { readonly folder: string; readonly perSecond: number },
): Promise<() => Promise<void>> {
  const file = join(folder, 'new-tokens.txt')
  await writeFile(file, tokens.join('\n'))
  const own = ['--import', 'tsx', PROGRAM, url, file, String(perSecond)]
  const child: ChildProcess = spawn(
    'taskset',
    ['-c', String(CORE.measuring), process.execPath, ...own],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = once(child, 'exit')
  await once(child.stdout ?? child, 'data') // its first answers are there
  return async () => {
    child.kill('SIGTERM')
    const [code] = await ended
    if (code !== 0) throw new Error(`new tokens: not every answer was 200 (${code})`)
  }
}
