#!/usr/bin/env node
import { type Commands, dispatch } from './dispatch.ts'
import { runProgram } from './program.ts'

/** A new command is one line here. */
const commands: Commands = {
  serve: { load: () => import('./serve.ts') },
  doctor: { load: () => import('./doctor/doctor.ts') },
  explain: { load: () => import('./explain/explain.ts') },
  check: { load: () => import('./check.ts') },
  schema: { load: () => import('./schema.ts') },
  keygen: { load: () => import('./keygen.ts') },
}

await runProgram((argv, terminal) => dispatch(argv, terminal, commands))
