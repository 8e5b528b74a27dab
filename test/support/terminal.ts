import { Readable } from 'node:stream'
import type { Terminal } from '../../src/cli/command.ts'

export interface RecordingTerminal extends Terminal {
  readonly out: () => string
  readonly err: () => string
}

/** A terminal that keeps what is written, with files, environment and input of its own. */
export function recordingTerminal(
  files: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
  input = '',
): RecordingTerminal {
  const out: string[] = []
  const err: string[] = []
  return {
    stdout: (text) => void out.push(text),
    stderr: (text) => void err.push(text),
    environment,
    readFile: (path) => {
      const text = files[path]
      if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      return text
    },
    streamFile: (path) => {
      const text = path === '-' ? input : files[path]
      if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      // In small pieces, as they come from a file: lines and characters are cut anywhere.
      return Readable.from(pieces(Buffer.from(text)))
    },
    readInput: () => Promise.resolve(input),
    out: () => out.join(''),
    err: () => err.join(''),
  }
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
}
