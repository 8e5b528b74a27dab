/**
 * Takes a stream of server-sent events apart (WHATWG HTML §9.2.6), as far as MCP uses them: the data
 * of each event. Event names, ids and `retry` are passed over, as is an event that did not end.
 */
export class EventStreamReader {
  #rest = ''
  #data: string[] = []

  /** Takes the next piece of text; answers the data of every event that ended in it. */
  push(text: string): readonly string[] {
    if (!/[\r\n]/.test(text)) {
      this.#rest += text
      return []
    }
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    return lines.flatMap((line) => this.#line(line))
  }

  #line(line: string): readonly string[] {
    if (line !== '') {
      const data = /^data(?:: ?(.*))?$/s.exec(line)
      if (data) this.#data.push(data[1] ?? '')
      return []
    }
    if (this.#data.length === 0) return []
    const data = this.#data.join('\n')
    this.#data = []
    return [data]
  }
}
