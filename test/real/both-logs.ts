import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'

/**
 * Runs the query of `deploy/logs.md` that joins our log with the API server's, by `jq`, over these
 * lines and events.
 *
 * @returns the rows that it prints
 */
export async function askBothLogs(
  t: TestContext,
  lines: readonly object[],
  events: readonly object[],
): Promise<readonly (readonly unknown[])[]> {
  const page = await readFile(new URL('../../deploy/logs.md', import.meta.url), 'utf8')
  const query = /^jq .*--slurpfile events audit\.log .*$/m.exec(page)?.[0]
  if (query === undefined) throw new Error('deploy/logs.md has no query over both logs')
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-logs-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'rolecall.log'), jsonLines(lines))
  await writeFile(join(folder, 'audit.log'), jsonLines(events))
  const { stdout } = await promisify(execFile)('sh', ['-c', query], { cwd: folder })
  return stdout
    .split('\n')
    .filter((row) => row !== '')
    .map((row) => JSON.parse(row) as unknown[])
}

function jsonLines(objects: readonly object[]): string {
  return objects.map((object) => `${JSON.stringify(object)}\n`).join('')
}
