import { isUtf8 } from 'node:buffer'
import { setImmediate as turn } from 'node:timers/promises'
import { printable } from '../../oauth/printable.ts'
import { JsonScanner } from './json-scanner.ts'
import type { JsonKind, JsonVisitor } from './json-visitor.ts'
import { lookAlikeOf, looksLikeToolCall, TOOL_CALL } from './member-names.ts'

/** A JSON-RPC message as far as rolecall reads one: to log it, and to answer it when refused. */
export interface McpMessage {
  /** As it stands in the body, to be sent back so. Absent: a notification or a response. */
  readonly id?: string
  readonly method?: string
  /** The tool of a `tools/call`. */
  readonly tool?: string
  /** What `Mcp-Name` stands for: the name, URI or task of the parameters. */
  readonly target?: string
  /** The arguments of a `tools/call`: the bytes of their JSON text in the body. */
  readonly arguments?: { readonly from: number; readonly to: number }
}

export type McpBody =
  | { readonly kind: 'empty' }
  | { readonly kind: 'messages'; readonly batch: boolean; readonly messages: readonly McpMessage[] }
  | {
      readonly kind: 'malformed'
      readonly problem: string
      /** The setting of `[limits]` that the body is beyond. */
      readonly limit?: 'batch_messages'
    }

/** A call that names no tool is still told as a call. */
const UNNAMED = '(unnamed)'

/** Members of a message or of its parameters; MCP has fewer than ten. Tool arguments are not these. */
const MOST_MEMBERS = 1000

/** Bytes that are read in one turn of the event loop: about a millisecond. */
const READ_AT_ONCE_BYTES = 65_536

/**
 * Reads the messages of a POST body (JSON-RPC 2.0; a batch only in MCP 2025-03-26), in one pass and
 * without building its values.
 *
 * What cannot be read, or could be read in two ways, is malformed whatever its content type says: a
 * body that another parser reads differently would call a tool that no audit line names. That is a
 * member named twice in a message or in its parameters, one whose name another parser could take for
 * one that counts (`lookAlikeOf`), and a method that looks like that of a tool call. Not checked: names inside a tool's arguments, and that the
 * message is valid MCP, which is the upstream's to say.
 *
 * A large body is read in several turns of the event loop, so that nobody waits for it (a slow parse
 * of hostile bodies is a denial of service); all others at once, without a promise.
 *
 * @param mostMessages `limits.batch_messages`
 */
export function readMcpBody(body: Buffer, mostMessages: number): McpBody | Promise<McpBody> {
  if (body.length === 0) return { kind: 'empty' }
  if (!isUtf8(body)) return malformed('The body is not JSON in UTF-8.')
  const reader = new MessageReader(body, mostMessages)
  if (body.length > READ_AT_ONCE_BYTES) return readInTurns(body, reader)
  reader.push(body)
  return reader.finish()
}

async function readInTurns(body: Buffer, reader: MessageReader): Promise<McpBody> {
  for (let at = 0; at < body.length; at += READ_AT_ONCE_BYTES) {
    if (at > 0) await turn()
    if (!reader.push(body.subarray(at, at + READ_AT_ONCE_BYTES))) break
  }
  return reader.finish()
}

function malformed(problem: string): Extract<McpBody, { kind: 'malformed' }> {
  return { kind: 'malformed', problem }
}

type Draft = { -readonly [K in keyof McpMessage]: McpMessage[K] } & {
  name?: string
  uri?: string
  taskId?: string
}

class MessageReader implements JsonVisitor {
  readonly #body: Buffer
  readonly #mostMessages: number
  readonly #scanner: JsonScanner
  readonly #messages: McpMessage[] = []
  #problem: string | undefined
  #isBeyondLimit = false
  /** The level on which messages stand: 1 in a batch. */
  #base = 0
  #draft: Draft = {}
  #member = ''
  #parameter = ''
  readonly #members = new Set<string>()
  readonly #parameters = new Set<string>()

  constructor(body: Buffer, mostMessages: number) {
    this.#body = body
    this.#mostMessages = mostMessages
    this.#scanner = new JsonScanner(this, { deepest: 3 })
  }

  /** Takes the next piece; false when reading on is of no use. */
  push(piece: Buffer): boolean {
    return this.#scanner.push(piece)
  }

  finish(): McpBody {
    const whole = this.#scanner.finish()
    if (this.#problem !== undefined) {
      const problem = malformed(this.#problem)
      return this.#isBeyondLimit ? { ...problem, limit: 'batch_messages' } : problem
    }
    if (!whole) return malformed('The body is not JSON, or is nested deeper than 10,000 levels.')
    return { kind: 'messages', batch: this.#base === 1, messages: this.#messages }
  }

  begin(level: number, kind: 'object' | 'array'): void {
    if (level === 0 && kind === 'array') this.#base = 1
    if (level === this.#base && kind === 'object') {
      if (this.#messages.length === this.#mostMessages) {
        this.#isBeyondLimit = true
        this.#refuse(
          `The body has more than ${this.#mostMessages} messages (limits.batch_messages).`,
        )
      }
      this.#draft = {}
      this.#members.clear()
    } else if (level === this.#base + 1) {
      this.#parameter = ''
      this.#parameters.clear()
    }
  }

  member(level: number, name: string): void {
    if (level === this.#base + 1) {
      this.#member = name
      this.#check(name, this.#members, 'the message')
    } else if (level === this.#base + 2 && this.#member === 'params') {
      this.#parameter = name
      this.#check(name, this.#parameters, 'params')
    }
  }

  end(level: number, kind: JsonKind, from: number, to: number): void {
    if (level === this.#base + 2 && this.#member === 'params') this.#endParameter(kind, from, to)
    else if (level === this.#base + 1) this.#endMember(kind, from, to)
    else if (level === this.#base) {
      if (kind === 'object') this.#messages.push(messageOf(this.#draft))
      else this.#refuse('The body is not a JSON-RPC message.')
    }
  }

  #check(name: string, names: Set<string>, where: string): void {
    const original = lookAlikeOf(name)
    if (original !== undefined) {
      const problem = `has a member that some servers read as "${original}" and others do not`
      this.#refuse(`The body can be read in two ways: ${where} ${problem}.`)
    } else if (names.has(name)) {
      const shown = printable(name)
      this.#refuse(`The body can be read in two ways: ${where} names "${shown}" twice.`)
    } else if (names.size === MOST_MEMBERS) {
      this.#refuse(`The body has more than ${MOST_MEMBERS} members in ${where}.`)
    } else names.add(name)
  }

  #refuse(problem: string): void {
    this.#problem ??= problem
    this.#scanner.stop()
  }

  #endMember(kind: JsonKind, from: number, to: number): void {
    if (this.#member === 'id') {
      const legal = kind === 'string' || kind === 'number'
      this.#draft.id = legal ? this.#text(from, to) : 'null'
    } else if (this.#member === 'method' && kind === 'string') {
      const method = this.#string(from, to)
      this.#draft.method = method
      if (looksLikeToolCall(method)) {
        this.#refuse(
          'The body can be read in two ways: some servers read its method as "tools/call" and others do not.',
        )
      }
    }
  }

  #endParameter(kind: JsonKind, from: number, to: number): void {
    const parameter = this.#parameter
    if (parameter === 'arguments') this.#draft.arguments = { from, to }
    else if (parameter === 'name' || parameter === 'uri' || parameter === 'taskId') {
      if (kind === 'string') this.#draft[parameter] = this.#string(from, to)
    }
  }

  /** A string that the scanner took, decoded. */
  #string(from: number, to: number): string {
    const inside = this.#text(from + 1, to - 1)
    return inside.includes('\\') ? JSON.parse(`"${inside}"`) : inside
  }

  #text(from: number, to: number): string {
    return this.#body.toString('utf8', from, to)
  }
}

function messageOf({ id, method, name, uri, taskId, arguments: given }: Draft): McpMessage {
  const isCall = method === TOOL_CALL
  const target = isCall || method === 'prompts/get' ? name : (uri ?? taskId ?? name)
  const message: { -readonly [K in keyof McpMessage]: McpMessage[K] } = {}
  if (id !== undefined) message.id = id
  if (method !== undefined) message.method = method
  if (isCall) message.tool = name ?? UNNAMED
  if (target !== undefined) message.target = target
  if (isCall && given !== undefined) message.arguments = given
  return message
}
