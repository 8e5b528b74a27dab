import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** Each is installed by this Node.js; the Inspector's folder beside them by a newer one. */
for (const folder of ['../..', '../clients']) {
  test(`npm ci prints no warning in ${folder} on Node ${process.versions.node}`, () => {
    const { status, stderr } = spawnSync('npm', ['ci', '--dry-run', '--offline'], {
      cwd: fileURLToPath(new URL(folder, import.meta.url)),
      encoding: 'utf8',
    })
    assert.deepEqual([status, stderr], [0, ''])
  })
}
