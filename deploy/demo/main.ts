import { runCommand } from '../../src/cli/dispatch.ts'
import { runProgram } from '../../src/cli/program.ts'
import { command } from './demo-command.ts'

await runProgram((argv, terminal) => runCommand('npm run demo --', command, { argv, terminal }))
