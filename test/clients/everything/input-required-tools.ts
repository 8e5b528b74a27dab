import {
  acceptedContent,
  inputRequired,
  type McpServer,
  type RequestStateCodec,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { declaredCapabilities } from './client-capabilities.ts'

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })

const STRING = { type: 'string' as const }
const BOOLEAN = { type: 'boolean' as const }

const ask = (message: string, field: string, kind: typeof STRING | typeof BOOLEAN = STRING) =>
  inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties: { [field]: kind }, required: [field] },
  })

const sample = (question: string) =>
  inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text: question } }],
    maxTokens: 100,
  })

const answered = ({ mcpReq }: ServerContext, key: string): unknown => mcpReq.inputResponses?.[key]

/** Tools that answer with a question first: 2026-07-28's `input_required` results (SEP-2322). */
export function addInputRequiredTools(
  server: McpServer,
  codec: RequestStateCodec<{ round: number }>,
): void {
  const tool = (name: string, run: Parameters<typeof register>[2]) => register(server, name, run)
  tool('elicitation', (context) => {
    const person = acceptedContent<{ name: string }>(context.mcpReq.inputResponses, 'user_name')
    if (typeof person?.name === 'string') return text(`Hello, ${person.name}!`)
    return inputRequired({ inputRequests: { user_name: ask('What is your name?', 'name') } })
  })
  tool('sampling', (context) => {
    const answer = answered(context, 'capital_question')
    if (answer !== undefined) return text(`The model says ${JSON.stringify(answer)}`)
    const capital_question = sample('What is the capital of France?')
    return inputRequired({ inputRequests: { capital_question } })
  })
  tool('list_roots', (context) => {
    const roots = answered(context, 'client_roots')
    if (roots !== undefined) return text(`The roots are ${JSON.stringify(roots)}`)
    return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
  })
  for (const name of ['request_state', 'tampered_state']) {
    tool(name, async (context) => {
      const state = context.mcpReq.requestState<{ round: number }>()
      if (state?.round === 1 && answered(context, 'confirm') !== undefined) return text('state-ok')
      return inputRequired({
        inputRequests: { confirm: ask('Please confirm', 'ok', BOOLEAN) },
        requestState: await codec.mint({ round: 1 }, context),
      })
    })
  }
  tool('multiple_inputs', async (context) => {
    const keys = ['user_name', 'greeting', 'client_roots']
    if (keys.every((key) => answered(context, key) !== undefined)) return text('All are answered.')
    return inputRequired({
      inputRequests: {
        user_name: ask('What is your name?', 'name'),
        greeting: sample('Generate a greeting'),
        client_roots: inputRequired.listRoots(),
      },
      requestState: await codec.mint({ round: 1 }, context),
    })
  })
  tool('multi_round', async (context) => {
    const round = context.mcpReq.requestState<{ round: number }>()?.round ?? 0
    if (round === 2 && answered(context, 'step2') !== undefined) return text('Both are answered.')
    if (round === 1 && answered(context, 'step1') !== undefined) {
      return inputRequired({
        inputRequests: { step2: ask('Step 2: What is your favorite color?', 'color') },
        requestState: await codec.mint({ round: 2 }, context),
      })
    }
    return inputRequired({
      inputRequests: { step1: ask('Step 1: What is your name?', 'name') },
      requestState: await codec.mint({ round: 1 }, context),
    })
  })
  tool('capabilities', (context) => {
    if (context.mcpReq.inputResponses !== undefined) return text('The client answered.')
    const declared = declaredCapabilities(context)
    const inputRequests = {
      ...(declared.sampling && { question: sample('What is the capital of France?') }),
      ...(declared.elicitation && { user_name: ask('What is your name?', 'name') }),
    }
    if (Object.keys(inputRequests).length === 0) return text('The client can answer nothing.')
    return inputRequired({ inputRequests })
  })
  server.registerTool(
    'test_missing_capability',
    { description: 'Asks the model, whatever the client says it can do' },
    () => inputRequired({ inputRequests: { question: sample('What is missing?') } }),
  )
  server.registerTool(
    'test_streaming_elicitation',
    { description: 'Asks while it could stream' },
    () => inputRequired({ inputRequests: { user_name: ask('What is your name?', 'name') } }),
  )
}

type Answer = ReturnType<typeof inputRequired> | ReturnType<typeof text>

function register(
  server: McpServer,
  name: string,
  run: (context: ServerContext) => Answer | Promise<Answer>,
): void {
  const description = `Asks first: ${name}`
  server.registerTool(`test_input_required_result_${name}`, { description }, run)
}
