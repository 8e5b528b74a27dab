#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import type { Terminal } from './command.ts'
import { type Commands, dispatch } from './dispatch.ts'

/** A new command is one line here. */
const commands: Commands = {
  serve: { load: () => import('./serve.ts') },
  doctor: { load: () => import('./doctor.ts') },
  explain: { load: () => import('./explain.ts') },
  check: { load: () => import('./check.ts') },
  schema: { load: () => import('./schema.ts') },
  keygen: { load: () => import('./keygen.ts') },
  demo: { load: () => import('./demo.ts'), onlyInClone: true },
  'mock-idp': { load: () => import('./mock-idp.ts'), onlyInClone: true },
}

const terminal: Terminal = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  environment: process.env,
  readFile: (path) => readFileSync(path, 'utf8'),
  readInput,
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    chunks.push(chunk)
    size += chunk.length
    if (size > 1_048_576) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

try {
  process.exitCode = await dispatch(process.argv.slice(2), terminal, commands)
} catch (error) {
  process.stderr.write(`rolecall: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
