#!/usr/bin/env node
import { type Commands, dispatch } from './dispatch.ts'
import { runProgram } from './program.ts'

/** A new command is one line here. */
const commands: Commands = {
  serve: () => import('./serve.ts'),
  doctor: () => import('./doctor/doctor.ts'),
  explain: () => import('./explain/explain.ts'),
  check: () => import('./check.ts'),
  schema: () => import('./schema.ts'),
  sessions: () => import('./sessions.ts'),
  keygen: () => import('./keygen.ts'),
}

await runProgram((argv, terminal) => dispatch(argv, terminal, commands))
