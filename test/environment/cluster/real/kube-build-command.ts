import { buildKubeBinaries } from './kube-build.ts'

/**
 * `npm run cluster:build`: builds what a real cluster needs. Ends with 0; with 1 when it cannot,
 * with the reason on stderr. SIGINT and SIGTERM leave nothing half built.
 */
async function main(): Promise<void> {
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stopped.abort(new Error(`stopped by ${signal}`)))
  }
  try {
    const binaries = await buildKubeBinaries({
      progress: (line) => console.error(line),
      signal: stopped.signal,
    })
    console.log(Object.values(binaries).join('\n'))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}

await main()
