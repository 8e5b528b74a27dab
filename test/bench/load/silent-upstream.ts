import { createServer } from 'node:http'

/** An MCP server that does nothing: 1 KiB to a POST, a silent stream to a GET. */
const answer = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { text: 'x'.repeat(970) } })
const server = createServer((request, response) => {
  request.resume().on('end', () => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      response.write(': hello\n\n') // the stock proxy sends no headers before a first byte
    } else response.writeHead(200, { 'content-type': 'application/json' }).end(answer)
  })
})
server.listen(Number(process.argv[2]), '127.0.0.1')
