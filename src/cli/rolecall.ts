#!/usr/bin/env node
import { commands } from './commands.ts'
import { dispatch } from './dispatch.ts'
import { runProgram } from './program.ts'

await runProgram((argv, terminal) => dispatch(argv, terminal, commands))
