import type { Terminal } from '../command.ts'

/** Tells a person who waits what is still being asked; a pipe is told nothing. */
export interface Progress {
  /** Shows a name until its work is done. */
  during<T>(what: string, work: Promise<T>): Promise<T>
  end(): void
}

const CLEAR_LINE = '\r\u001b[K'

/** One line on stderr that is written over, in a terminal only. */
export function progressOn(terminal: Terminal): Progress {
  const { stderrColumns: columns } = terminal
  if (columns === undefined) return { during: (_what, work) => work, end: () => undefined }
  const underWay: string[] = []
  const draw = (): void => {
    const text = underWay.length === 0 ? '' : `Asking: ${underWay.join(', ')} …`
    terminal.stderr(`${CLEAR_LINE}${text.slice(0, columns - 1)}`)
  }
  return {
    async during(what, work) {
      underWay.push(what)
      draw()
      try {
        return await work
      } finally {
        underWay.splice(underWay.indexOf(what), 1)
        draw()
      }
    },
    end: () => terminal.stderr(CLEAR_LINE),
  }
}
