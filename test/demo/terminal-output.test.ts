import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPaint } from '../../deploy/demo/paint.ts'
import { createProgress } from '../../deploy/demo/progress.ts'

const ESCAPE = '\u001b'

const surroundings: readonly {
  what: string
  isTerminal: boolean
  environment: Readonly<Record<string, string>>
  isColoured: boolean
}[] = [
  { what: 'a terminal', isTerminal: true, environment: {}, isColoured: true },
  { what: 'a pipe', isTerminal: false, environment: {}, isColoured: false },
  {
    what: 'a terminal with NO_COLOR',
    isTerminal: true,
    environment: { NO_COLOR: '1' },
    isColoured: false,
  },
  {
    what: 'a terminal with an empty NO_COLOR',
    isTerminal: true,
    environment: { NO_COLOR: '' },
    isColoured: true,
  },
  {
    what: 'a dumb terminal',
    isTerminal: true,
    environment: { TERM: 'dumb' },
    isColoured: false,
  },
]
for (const { what, isTerminal, environment, isColoured } of surroundings) {
  test(`${what} is written to ${isColoured ? 'in colour' : 'without colour'}`, () => {
    const text = createPaint(isTerminal, environment)('cyan', 'Open')
    assert.equal(text.includes(ESCAPE), isColoured)
    assert.match(text, /Open/)
  })
}

function recorder(isLive: boolean) {
  const written: string[] = []
  const output = { write: (text: string) => void written.push(text), isLive }
  return { written, progress: createProgress({ ...output, paint: (_emphasis, text) => text }) }
}

test('in a pipe there is one line for each part, once it runs', async () => {
  const { written, progress } = recorder(false)
  assert.equal(await progress('cluster', async () => 'here', String), 'here')
  assert.deepEqual(written, [`started   ${'cluster'.padEnd(21)}  here\n`])
})

test('in a terminal what is awaited is shown, and written over', async () => {
  const { written, progress } = recorder(true)
  await progress('cluster', async () => 'here', String)
  assert.equal(written[0], 'starting  cluster …')
  assert.ok(written[1]?.startsWith(`\r${ESCAPE}[Kstarted   cluster`))
  await assert.rejects(
    progress('cluster', () => Promise.reject(new Error('no')), String),
    /no/,
  )
  assert.equal(written.at(-1), `\r${ESCAPE}[K`)
})
