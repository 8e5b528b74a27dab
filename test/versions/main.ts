import { judgeInstalled } from './installed.ts'
import { versionsText } from './judge-versions.ts'

const judged = judgeInstalled()
process.stdout.write(versionsText(judged))
if (judged.some(({ verdict }) => verdict === 'below')) process.exitCode = 1
