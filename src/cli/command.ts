/** What a command may touch of the process it runs in. */
export interface Terminal {
  stdout(text: string): void
  stderr(text: string): void
  /** How wide they are where a person looks at them; absent: they lead to a pipe or a file. */
  readonly stdoutColumns?: number | undefined
  readonly stderrColumns?: number | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Reads a file as UTF-8; throws when it cannot. */
  readFile(path: string): string
  /** The bytes of a file, or of standard input for -, piece by piece; iterating throws when it cannot. */
  streamFile(path: string): AsyncIterable<Buffer>
  /** Standard input to its end, as UTF-8; a mebibyte at most. */
  readInput(): Promise<string>
}

export interface Command {
  /** One line, in the list of commands. */
  readonly summary: string
  /** What `--help` shows; ends with a line break. */
  readonly usage: string
  /**
   * Runs to the end.
   *
   * @param argv what follows the command's name
   * @returns the exit code
   */
  run(argv: readonly string[], terminal: Terminal): Promise<number>
}

/** The exit code of bad configuration and of bad usage. */
export const badUsage = 2
