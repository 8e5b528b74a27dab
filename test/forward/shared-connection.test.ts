import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handedOut } from '../support/handed-out.ts'
import { sendBytes, toolCall } from '../support/raw-http.ts'
import { headerValues, startUpstream } from '../support/recording-upstream.ts'
import { startInMode } from '../support/sign-in-modes.ts'
import { withEditedSignature } from '../support/test-issuer.ts'

/** Who calls, one behind the other; what is edited is of the same user, or of nobody. */
const order = [
  'alice',
  'bob',
  'edited',
  'alice',
  'bob',
  'nobody',
  'bob',
  'alice',
  'edited',
  'alice',
]
const good = (who: string) => who === 'alice' || who === 'bob'

for (const mode of ['off', 'broker'] as const) {
  test(`users whose calls share one connection have each their own token: mode ${mode}`, async (t) => {
    const upstream = await startUpstream(t)
    upstream.answerWith((request, response) => {
      const { id } = JSON.parse(String(upstream.received.at(-1)?.body)) as { id: number }
      const result = { id, as: request.headers.authorization }
      const body = JSON.stringify({ jsonrpc: '2.0', id, result })
      const length = id % 2 === 0 ? { 'content-length': body.length } : {}
      // Those that came first are answered last.
      setTimeout(
        () => {
          response.writeHead(200, { 'content-type': 'application/json', ...length }).end(body)
        },
        100 - 10 * id,
      )
    })
    const gateway = await startInMode(t, mode, { upstream: upstream.url })
    const inside = new Map<string, string>()
    const held = new Map([['nobody', 'e30.e30.e30']])
    for (const person of ['alice', 'bob']) {
      const token = await gateway.entra.mint({ person })
      inside.set(person, token)
      held.set(person, await handedOut(gateway, token))
    }
    const alice = held.get('alice') ?? ''
    held.set(
      'edited',
      mode === 'off'
        ? withEditedSignature(alice)
        : `${alice.slice(0, -9)}${alice.at(-9) === 'A' ? 'B' : 'A'}${alice.slice(-8)}`,
    )
    const calls = order.map((who, id) => {
      const body = toolCall('pods_list', id)
      const lines = [
        'POST /mcp HTTP/1.1',
        `Host: ${new URL(gateway.url).host}`,
        `Authorization: Bearer ${held.get(who)}`,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        `Connection: ${id === order.length - 1 ? 'close' : 'keep-alive'}`,
      ]
      return `${lines.join('\r\n')}\r\n\r\n${body}`
    })
    const answers = (await sendBytes(gateway.url, calls.join(''))).split('HTTP/1.1 ').slice(1)
    assert.equal(answers.length, order.length)
    for (const [id, who] of order.entries()) {
      const answer = answers[id] ?? ''
      const expected = `"result":{"id":${id},"as":"Bearer ${inside.get(who)}"}`
      assert.equal(answer.slice(0, 3), good(who) ? '200' : '401', who)
      assert.equal(answer.includes(expected), good(who), who)
    }
    assert.equal(upstream.received.length, order.filter(good).length)
    for (const { rawHeaders, body } of upstream.received) {
      const { id } = JSON.parse(String(body)) as { id: number }
      const token = inside.get(order[id] ?? '')
      assert.deepEqual(headerValues(rawHeaders, 'authorization'), [`Bearer ${token}`])
    }
  })
}
