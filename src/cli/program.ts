import { createReadStream, readFileSync } from 'node:fs'
import type { Terminal } from './command.ts'

/** Standard input beyond this is not read: a token is a few kilobytes. */
const MOST_INPUT_BYTES = 1_048_576

const terminal: Terminal = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  stdoutColumns: process.stdout.columns,
  stderrColumns: process.stderr.columns,
  environment: process.env,
  readFile: (path) => readFileSync(path, 'utf8'),
  streamFile: (path) => (path === '-' ? process.stdin : createReadStream(path)),
  readInput,
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    chunks.push(chunk)
    size += chunk.length
    if (size > MOST_INPUT_BYTES) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * Runs a program with this process's arguments and terminal, and leaves its exit code; 1 with one
 * line on stderr for an error that nothing caught.
 */
export async function runProgram(
  run: (argv: readonly string[], terminal: Terminal) => Promise<number>,
): Promise<void> {
  try {
    process.exitCode = await run(process.argv.slice(2), terminal)
  } catch (error) {
    process.stderr.write(`rolecall: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
