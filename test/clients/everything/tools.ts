import { setTimeout as delay } from 'node:timers/promises'
import { fromJsonSchema, type McpServer, type ServerNotifier } from '@modelcontextprotocol/server'
import { z } from 'zod'
import {
  CHOICES_FORM,
  CONTENT,
  DEFAULTS_FORM,
  REGION_SCHEMA,
  SCHEMA_2020_12,
  USER_FORM,
} from './samples.ts'

const STEP = 50

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] })

/** Tools that answer at once, and those that speak while they work. */
export function addPlainTools(server: McpServer): void {
  for (const [name, content] of Object.entries(CONTENT)) {
    server.registerTool(name, { description: `Answers with ${name}` }, () => ({ content }))
  }
  server.registerTool('test_error_handling', { description: 'Always fails' }, () => {
    throw new Error('This tool intentionally returns an error for testing')
  })
  server.registerTool(
    'test_tool_with_logging',
    { description: 'Logs three times' },
    async ({ mcpReq }) => {
      await mcpReq.log('info', 'Tool execution started')
      await delay(STEP)
      await mcpReq.log('info', 'Tool processing data')
      await delay(STEP)
      await mcpReq.log('info', 'Tool execution completed')
      return text('Logged three times.')
    },
  )
  server.registerTool(
    'test_logging_tool',
    { description: 'Logs once, if the client wants it' },
    async ({ mcpReq }) => {
      await mcpReq.log('info', 'A line')
      return text('Logged once.')
    },
  )
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Reports three steps' },
    async ({ mcpReq }) => {
      const progressToken = mcpReq._meta?.progressToken
      for (const progress of [0, 50, 100]) {
        if (progress > 0) await delay(STEP)
        if (progressToken === undefined) continue
        const params = { progressToken, progress, total: 100 }
        await mcpReq.notify({ method: 'notifications/progress', params })
      }
      return text('Three steps are done.')
    },
  )
  server.registerTool(
    'test_reconnection',
    { description: 'Ends its stream before it answers (SEP-1699)' },
    async ({ http }) => {
      http?.closeSSE?.()
      await delay(2 * STEP)
      return text('Answered after the stream had ended.')
    },
  )
  server.registerTool(
    'json_schema_2020_12_tool',
    {
      description: 'Its schema has every keyword',
      inputSchema: fromJsonSchema<Record<string, unknown>>(SCHEMA_2020_12),
    },
    () => text('The arguments fit.'),
  )
  server.registerTool(
    'test_custom_headers',
    {
      description: 'An argument that clients repeat as a header (SEP-2243)',
      inputSchema: fromJsonSchema<{ region: string }>(REGION_SCHEMA),
    },
    ({ region }) => text(`The region is ${region}.`),
  )
}

/** Without this the question goes to the stream that the client may not have opened by GET yet. */
const onStreamOf = ({ id }: { readonly id: string | number }) => ({ relatedRequestId: id })

/** Tools that ask the client on the stream of the call, as revisions up to 2025-11-25 do. */
export function addAskingTools(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    { description: 'Asks the model', inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, { mcpReq }) => {
      const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: prompt } }]
      const { content } = await mcpReq.requestSampling(
        { messages, maxTokens: 100 },
        onStreamOf(mcpReq),
      )
      return text(`LLM response: ${JSON.stringify(content)}`)
    },
  )
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the person', inputSchema: z.object({ message: z.string() }) },
    async ({ message }, { mcpReq }) => {
      const answer = await mcpReq.elicitInput(
        { message, requestedSchema: USER_FORM },
        onStreamOf(mcpReq),
      )
      return text(`User response: ${JSON.stringify(answer)}`)
    },
  )
  const forms = {
    test_elicitation_sep1034_defaults: DEFAULTS_FORM,
    test_elicitation_sep1330_enums: CHOICES_FORM,
  }
  for (const [name, requestedSchema] of Object.entries(forms)) {
    server.registerTool(name, { description: 'Asks the person by a form' }, async ({ mcpReq }) => {
      const answer = await mcpReq.elicitInput(
        { message: 'Please fill in', requestedSchema },
        onStreamOf(mcpReq),
      )
      return text(`Elicitation completed: ${JSON.stringify(answer)}`)
    })
  }
}

/** Tools that change what open subscriptions hear of. */
export function addChangingTools(server: McpServer, notifier: () => ServerNotifier): void {
  server.registerTool('test_trigger_tool_change', { description: 'Tells of new tools' }, () => {
    notifier().toolsChanged()
    return text('Told of new tools.')
  })
  server.registerTool('test_trigger_prompt_change', { description: 'Tells of new prompts' }, () => {
    notifier().promptsChanged()
    return text('Told of new prompts.')
  })
}
