import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { needed } from './needed.ts'
import type { Person } from './person.ts'
import { type PythonSdkLine, pinnedSdkVersion, pythonWithSdk } from './python-sdk.ts'
import { type Connection, protocolOf, type SigningClient } from './signing-client.ts'

/** What a Python client is told beside the URL, as `python/sign_in_and_call.py` has it. */
export interface PythonJob {
  readonly mode: 'legacy' | 'auto'
  /** Registered beforehand. */
  readonly client?: Readonly<Record<string, string>>
}

/** @param line of the SDK; the first has no modes */
export async function pythonSdk(line: PythonSdkLine, job: PythonJob): Promise<SigningClient> {
  const python = await needed(() => pythonWithSdk(line))
  const name = `Python SDK ${await pinnedSdkVersion(line)}`
  return {
    name: line === '1' ? name : `${name}, mode ${job.mode}`,
    skip: python.skip,
    protocol: protocolOf(job.mode),
    async connect(url, person) {
      if (python.skip !== false) throw new Error(python.skip)
      return connect(python.found, { ...job, url }, person)
    },
  }
}

const messageSchema = z.union([
  z.strictObject({ open: z.string() }),
  z.strictObject({ ready: z.literal(true) }),
  z.strictObject({ tools: z.array(z.string()) }),
  z.strictObject({ isError: z.boolean(), text: z.string() }),
])
type Message = z.output<typeof messageSchema>

async function connect(
  python: string,
  job: PythonJob & { readonly url: string },
  person: Person,
): Promise<Connection> {
  const script = fileURLToPath(new URL('../python/sign_in_and_call.py', import.meta.url))
  const child = spawn(python, [script], {
    env: { PATH: process.env['PATH'], NO_PROXY: 'localhost,127.0.0.1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ask = conversation(child, person)
  await ask(job)
  return {
    async tools() {
      const answer = await ask({ list: true })
      if ('tools' in answer) return answer.tools
      throw new Error('no list of tools')
    },
    async call({ tool, arguments: parameters }) {
      const answer = await ask({ call: tool, arguments: parameters })
      if ('isError' in answer) return answer
      throw new Error('no result of a tool')
    },
    async close() {
      const closed = once(child, 'close')
      child.stdin.end()
      await closed
    },
  }
}

/** Says something and waits for the answer; where it wants its person before, the person comes. */
function conversation(
  { stdin, stdout, stderr }: ChildProcess,
  person: Person,
): (words: object) => Promise<Message> {
  if (!stdin || !stdout || !stderr) throw new Error('the Python client has no pipes')
  const errors: Buffer[] = []
  stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  return async (words) => {
    stdin.write(`${JSON.stringify(words)}\n`)
    for (;;) {
      const line = await lines.next()
      if (line.done) throw new Error(`the Python client ended:\n${Buffer.concat(errors)}`)
      const message = messageSchema.parse(JSON.parse(line.value))
      if (!('open' in message)) return message
      const callback = (await person.signIn(message.open)).href
      stdin.write(`${JSON.stringify({ callback })}\n`)
    }
  }
}
