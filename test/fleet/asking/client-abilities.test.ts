import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  abilitiesFromLetters,
  abilitiesOf,
  abilityLetters,
  canAnswer,
} from '../../../src/fleet/asking/client-abilities.ts'

type Row = readonly [capabilities: unknown, letters: string]

const rows: readonly Row[] = [
  [undefined, ''],
  [null, ''],
  [[], ''],
  ['elicitation', ''],
  [{}, ''],
  [{ elicitation: {} }, 'f'],
  [{ elicitation: { form: {} } }, 'f'],
  [{ elicitation: { url: {} } }, 'u'],
  [{ elicitation: { form: {}, url: {} } }, 'fu'],
  [{ elicitation: true }, ''],
  [{ sampling: {} }, 's'],
  [{ sampling: { tools: {} } }, 'st'],
  [{ sampling: { context: {} }, tools: {} }, 's'],
  [{ roots: { listChanged: true }, experimental: { x: {} } }, 'r'],
  [JSON.parse('{"__proto__":{"elicitation":{}}}'), ''],
]

for (const [capabilities, letters] of rows) {
  test(`${JSON.stringify(capabilities)} is "${letters}", and comes back from a session's id`, () => {
    const abilities = abilitiesOf(capabilities)
    assert.equal(abilityLetters(abilities), letters)
    assert.deepEqual(abilitiesFromLetters(letters), abilities)
  })
}

type Question = readonly [method: string, params: Record<string, unknown>, letters: string]

/** Of each question the letters with which it can be answered. */
const questions: readonly Question[] = [
  ['elicitation/create', {}, 'f'],
  ['elicitation/create', { mode: 'form' }, 'f'],
  ['elicitation/create', { mode: 'url' }, 'u'],
  ['sampling/createMessage', {}, 's'],
  ['sampling/createMessage', { tools: [] }, 'st'],
  ['sampling/createMessage', { toolChoice: {} }, 'st'],
  ['roots/list', {}, 'r'],
  ['tools/call', {}, 'none'],
]

for (const [method, params, needed] of questions) {
  test(`${method} ${JSON.stringify(params)} needs ${needed}`, () => {
    const all = 'fustr'
    assert.equal(canAnswer(abilitiesFromLetters(needed), { method, params }), needed !== 'none')
    const without = [...all].filter((letter) => letter !== needed.at(-1)).join('')
    assert.equal(canAnswer(abilitiesFromLetters(without), { method, params }), false)
  })
}
