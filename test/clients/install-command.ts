import { spawnSync } from 'node:child_process'
import { delimiter, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** npm run clients:install: what is here, and then the Inspector by the Node.js that it needs. */
function install(folder: string, node: string): void {
  const { status, error } = spawnSync('npm', ['ci'], {
    cwd: fileURLToPath(new URL(folder, import.meta.url)),
    env: { ...process.env, PATH: [dirname(node), process.env['PATH']].join(delimiter) },
    stdio: 'inherit',
  })
  if (status !== 0) throw error ?? new Error(`npm ci in ${folder} ended with ${status}`)
}

install('.', process.execPath)
// Only now is there one to be found beside it.
const { nodeFromVersion22 } = await import('./support/installed-program.ts')
install('inspector', nodeFromVersion22())
