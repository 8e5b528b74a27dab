import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { installWithUv, pinnedVersion, pythonEnvironment } from './python-environment.ts'

/** `config.oauth` of one MCP server in HolmesGPT's values; what is absent is discovered. */
export interface HolmesOauth {
  /** Needed where nothing else is said. */
  readonly enabled?: true
  /** Absent: the page registers one. */
  readonly client_id?: string
  readonly client_secret?: string
  /** Empty: none is sent. Absent: the MCP server's URL is. */
  readonly resource?: string
}

/** What HolmesGPT knows of an MCP server after its start. */
const toolsetSchema = z.object({
  name: z.string(),
  status: z.enum(['enabled', 'disabled', 'failed']),
  error: z.string().nullable(),
  tools: z.array(z.string()),
  authorization_url: z.string().nullable(),
  token_url: z.string().nullable(),
  client_id: z.string().nullable(),
  scopes: z.array(z.string()).nullable(),
  resource: z.string().nullable(),
  registration_endpoint: z.string().nullable(),
})
export type HolmesToolset = z.output<typeof toolsetSchema>

/** What the page is told, so that it can open the popup. */
const oauthMetadataSchema = z.strictObject({
  authorization_url: z.string(),
  client_id: z.string().nullable(),
  registration_endpoint: z.string().optional(),
  code_challenge: z.string(),
  code_challenge_method: z.literal('S256'),
  scopes: z.array(z.string()).optional(),
  resource: z.string().optional(),
})
export type OauthMetadata = z.output<typeof oauthMetadataSchema>

const turnSchema = z.object({
  results: z.array(z.object({ tool: z.string(), status: z.string(), text: z.string() })),
  approvals: z.array(z.object({ id: z.string(), tool: z.string(), oauth: oauthMetadataSchema })),
})
/** What came of the tool calls of one turn: results, and those that wait for a sign-in. */
export type Turn = z.output<typeof turnSchema>

const storedSchema = z.object({
  access: z.string().nullable(),
  refresh: z.string().nullable(),
  expires_in: z.number().nullable(),
  rows: z.number(),
})
/** Digests of the tokens in memory, and how many rows the table has for this person. */
export type StoredTokens = z.output<typeof storedSchema>

const callbackSchema = z.object({ success: z.boolean(), error: z.string().nullable() })
export type CallbackAnswer = z.output<typeof callbackSchema>

/** The code as the page hands it in. */
export interface CodeDelivery {
  readonly toolset_name: string
  readonly code: string
  readonly redirect_uri: string
  readonly code_verifier?: string
  readonly client_id?: string
  readonly client_secret?: string
  readonly resource?: string
}

/** What the page opens its popup for. */
export interface Popup {
  readonly oauth: OauthMetadata
  /** HolmesGPT's own, or the one that the page registered. */
  readonly clientId: string
  readonly redirectUri: string
  readonly state: string
}

/** A tool as the model is offered it. */
const definitionSchema = z.object({
  name: z.string(),
  strict: z.boolean().optional(),
  parameters: z.object({
    properties: z.record(z.string(), z.record(z.string(), z.unknown())),
    required: z.array(z.string()),
  }),
})
export type ToolDefinition = z.output<typeof definitionSchema>

export interface ToolCall {
  readonly tool: string
  readonly arguments: Readonly<Record<string, unknown>>
}

/** One HolmesGPT. Its methods are what `python/holmes_driver.py` says they are. */
export interface Holmes {
  readonly toolsets: readonly HolmesToolset[]
  chat(user: string, calls: readonly ToolCall[]): Promise<Turn>
  decide(user: string, approval: string, decision: CodeDelivery): Promise<Turn>
  callback(user: string, delivery: CodeDelivery): Promise<CallbackAnswer>
  authorizeUrl(popup: Popup): Promise<URL>
  systemPrompt(): Promise<string>
  tools(user: string): Promise<string[]>
  definitions(user: string): Promise<ToolDefinition[]>
  expire(user: string, toolset: string): Promise<void>
  sweep(): Promise<void>
  stored(user: string, toolset: string): Promise<StoredTokens>
  /** Ends it at once, as a pod may end. */
  end(): void
}

/** An MCP server in its values: where it is, and how people sign in. */
export interface HolmesServer {
  readonly url: string
  readonly oauth: HolmesOauth
  /** For the model. */
  readonly instructions?: string
}

export interface HolmesStart {
  /** By name. */
  readonly servers: Readonly<Record<string, HolmesServer>>
  /** A file for the tokens; absent: they are in memory alone. */
  readonly store?: string
}

/** A process in which HolmesGPT's code is loaded, and which starts one after the other. */
export interface HolmesHost {
  start(options: HolmesStart): Promise<Holmes>
  close(): Promise<void>
}

/** The version of HolmesGPT that is driven. */
export function holmesVersion(): Promise<string> {
  return pinnedVersion('holmes', 'holmesgpt')
}

/** The Python that has HolmesGPT. */
export function pythonWithHolmes(): Promise<string> {
  return pythonEnvironment('holmes', (folder, list) => installWithUv(folder, list, '>=3.10,<3.14'))
}

/** Loads HolmesGPT's code, which takes seconds. */
export async function startHolmesHost(python: string): Promise<HolmesHost> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-holmes-'))
  const address = join(folder, 'socket')
  const child = spawn(python, [driverFile(), address], {
    env: { PATH: process.env['PATH'], HOME: folder, NO_PROXY: 'localhost,127.0.0.1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const words = lastWordsOf(child)
  const exited = once(child, 'close')
  const started = new Set<Holmes>()
  const close = async (): Promise<void> => {
    for (const holmes of started) holmes.end()
    // It ends with its standard input.
    child.stdin.end()
    await exited
    await rm(folder, { recursive: true, force: true })
  }
  const ready = await Promise.race([once(child.stdout, 'data'), exited.then(() => undefined)])
  if (ready === undefined) {
    await close()
    throw new Error(`HolmesGPT did not start:\n${words()}`)
  }
  return {
    async start(options) {
      const holmes = await startHolmes(address, options, words)
      started.add(holmes)
      return holmes
    },
    close,
  }
}

function driverFile(): string {
  return fileURLToPath(new URL('../python/holmes_driver.py', import.meta.url))
}

/** Its log, for the message of an error. */
function lastWordsOf(
  child: ChildProcess & { readonly stderr: NonNullable<unknown> },
): () => string {
  const lines: string[] = []
  createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
    lines.push(line)
    lines.splice(0, Math.max(0, lines.length - 40))
  })
  return () => lines.join('\n')
}

async function startHolmes(
  address: string,
  { servers, store }: HolmesStart,
  words: () => string,
): Promise<Holmes> {
  const socket = connect(address)
  await once(socket, 'connect')
  const ask = commandsOver(socket, words)
  const config = Object.entries(servers).map(([name, { url, oauth, instructions }]) => [
    name,
    {
      description: name,
      config: { mode: 'streamable-http', url, oauth },
      ...(instructions !== undefined && { llm_instructions: instructions }),
    },
  ])
  const toolsets = z
    .array(toolsetSchema)
    .parse(await ask('start', { mcp_servers: Object.fromEntries(config), store }))
  return {
    toolsets,
    chat: async (user, calls) => turnSchema.parse(await ask('chat', { user, calls })),
    decide: async (user, approval, decision) =>
      turnSchema.parse(await ask('decide', { user, approval, decision })),
    callback: async (user, delivery) =>
      callbackSchema.parse(await ask('callback', { ...delivery, user_id: user })),
    async authorizeUrl({ oauth, clientId, redirectUri, state }) {
      const { authorization_url, code_challenge, scopes, resource } = oauth
      const parameters = {
        authorization_url,
        client_id: clientId,
        redirect_uri: redirectUri,
        code_challenge,
        state,
        scopes,
        resource,
      }
      return new URL(z.string().parse(await ask('authorize_url', parameters)))
    },
    systemPrompt: async () => z.string().parse(await ask('system_prompt', {})),
    tools: async (user) => z.array(z.string()).parse(await ask('tools', { user })),
    definitions: async (user) =>
      z.array(definitionSchema).parse(await ask('definitions', { user })),
    expire: async (user, toolset) => void (await ask('expire', { user, toolset })),
    sweep: async () => void (await ask('sweep', {})),
    stored: async (user, toolset) => storedSchema.parse(await ask('stored', { user, toolset })),
    end: () => socket.destroy(),
  }
}

const answerSchema = z.union([
  z.strictObject({ answer: z.unknown() }),
  z.strictObject({ error: z.string() }),
])

type Ask = (command: string, parameters: Readonly<Record<string, unknown>>) => Promise<unknown>

/** One command after the other: an answer is to the command before it. */
function commandsOver(socket: Socket, words: () => string): Ask {
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  let last: Promise<unknown> = Promise.resolve()
  const ask: Ask = async (command, parameters) => {
    socket.write(`${JSON.stringify({ ...parameters, command })}\n`)
    const line = await lines.next()
    if (line.done) throw new Error(`HolmesGPT ended at "${command}":\n${words()}`)
    const answer = answerSchema.parse(JSON.parse(line.value))
    if ('error' in answer) throw new Error(`HolmesGPT at "${command}": ${answer.error}`)
    return answer.answer
  }
  return (command, parameters) => {
    const answer = last.then(() => ask(command, parameters))
    last = answer.catch(() => undefined)
    return answer
  }
}
