import { fileURLToPath } from 'node:url'

/** Where `npm test` says that it has compiled rolecall: a file. */
export const COMPILED_PROGRAM = 'COMPILED_PROGRAM'

const compiled = process.env[COMPILED_PROGRAM] ?? ''
const source = fileURLToPath(new URL('../../src/cli/rolecall.ts', import.meta.url))

/**
 * What Node runs for rolecall as a process of its own: the source, or what `npm test` compiled of it,
 * which starts in half the time.
 */
export const rolecallProgram: readonly string[] =
  compiled === '' ? ['--import', 'tsx', source] : [compiled]
