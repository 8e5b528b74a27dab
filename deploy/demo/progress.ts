import type { Paint } from './paint.ts'

/** Starts a part, and tells of it: its name, and when it runs what `detail` says of it. */
export type Progress = <Part>(
  name: string,
  start: () => Promise<Part>,
  detail: (part: Part) => string,
) => Promise<Part>

/** Where progress is told. */
export interface ProgressOutput {
  write(text: string): void
  readonly paint: Paint
  /** Whether a line can be written over: it then shows what is awaited. */
  readonly isLive: boolean
}

/** Told to nobody. */
export const silentProgress: Progress = (_name, start) => start()

/** Of the longest name. */
const WIDTH = 'kubernetes-mcp-server'.length

/** Carriage return, and erase to the end of the line (ECMA-48 EL). */
const ERASE = '\r\u001b[K'

/** One line for each part once it runs; in a terminal also while it starts. */
export function createProgress({ write, paint, isLive }: ProgressOutput): Progress {
  return async (name, start, detail) => {
    if (isLive) write(paint('dim', `starting  ${name} …`))
    try {
      const part = await start()
      const about = paint('dim', detail(part))
      write(
        `${isLive ? ERASE : ''}${paint('green', 'started')}   ${name.padEnd(WIDTH)}  ${about}\n`,
      )
      return part
    } catch (error) {
      if (isLive) write(ERASE)
      throw error
    }
  }
}
