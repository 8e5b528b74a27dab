import { spawnSync } from 'node:child_process'

/** Programs that the benchmark compares with or measures by, and the Debian packages that have them. */
const PROGRAMS = {
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  wrk: 'wrk',
  h2load: 'nghttp2-client',
  taskset: 'util-linux',
} as const

/**
 * Installs what is missing, where this is Debian and root may.
 *
 * @throws Error that names the packages, where it may not
 */
export function installTools(): void {
  const missing = Object.entries(PROGRAMS).filter(([program]) => !isThere(program))
  if (missing.length === 0) return
  const packages = missing.map(([, name]) => name)
  process.stderr.write(`installing ${packages.join(', ')}\n`)
  const update = spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' })
  const install = spawnSync(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', ...packages],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    },
  )
  if (update.status === 0 && install.status === 0) return
  throw new Error(
    `The benchmark needs ${packages.join(', ')} (Debian packages): install them first.`,
  )
}

function isThere(program: string): boolean {
  return spawnSync('which', [program], { stdio: 'ignore' }).status === 0
}
