import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'

/** Calls at a fixed rate, each with the next token. Arguments: URL, file of tokens, calls a second. */
const [url = '', file = '', rate = ''] = process.argv.slice(2)
const tokens = readFileSync(file, 'utf8').split('\n')
const perSecond = Number(rate)
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"pods_list"}}'
const STEP_MS = 4

let [sent, answered, wrong] = [0, 0, 0]
const began = performance.now()
const timer = setInterval(() => {
  const due = Math.min(tokens.length, ((performance.now() - began) / 1000) * perSecond)
  while (sent < due) send(tokens[sent++] ?? '')
  if (sent >= tokens.length) clearInterval(timer)
}, STEP_MS)
process.on('SIGTERM', () => process.exit(wrong === 0 && answered > 0 ? 0 : 1))

function send(token: string): void {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'content-length': body.length,
  }
  const call = request(url, { method: 'POST', agent, headers }, (response) => {
    if (response.statusCode !== 200) wrong += 1
    answered += 1
    if (answered === perSecond / 10) process.stdout.write('sending\n')
    response.resume()
  })
  call.on('error', () => {
    wrong += 1
  })
  call.end(body)
}
