import { runCommand } from '../../../src/cli/dispatch.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { command } from './mock-idp-command.ts'

await runProgram((argv, terminal) => runCommand('npm run mock-idp --', command, { argv, terminal }))
