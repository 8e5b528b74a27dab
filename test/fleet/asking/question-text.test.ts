import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedBy } from '../../../src/fleet/asking/question-text.ts'

test("a cluster's question names it, and brings it nothing that other clusters have said", () => {
  const asked = askedBy('dev', {
    method: 'sampling/createMessage',
    params: { messages: [], systemPrompt: 'Be brief.', includeContext: 'allServers' },
  })
  assert.deepEqual(asked.params, { messages: [], systemPrompt: '[dev] Be brief.' })
})
