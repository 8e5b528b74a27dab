import { spawnSync } from 'node:child_process'

/** Why tests that need `jq` are skipped, with the remedy; they are not where CI=true. */
export const jqMissing: string | false =
  process.env['CI'] === 'true' || spawnSync('jq', ['--version']).status === 0
    ? false
    : 'there is no jq: apt-get install jq'
