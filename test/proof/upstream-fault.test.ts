import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AnswerTraits } from '../../src/mcp-client/answer-traits.ts'
import type { OwnAnswer } from '../../src/mcp-client/own-request.ts'
import { upstreamFault } from '../../src/proof/upstream-fault.ts'

const mcp = 'http://kms:8080/mcp'
const page = { type: 'text/html', start: '<!doctype html><title>Welcome</title>' }

function answered(status: number, traits: Partial<AnswerTraits> = {}): OwnAnswer {
  return { kind: 'status', status, traits: { type: '', start: '', ...traits } }
}

function failed(code?: string, traits?: AnswerTraits): OwnAnswer {
  const why = 'it could not be reached'
  return { kind: 'failed', why, passing: true, ...(code && { code }), ...(traits && { traits }) }
}

const faults: readonly (readonly [string, string, OwnAnswer, RegExp])[] = [
  [
    'a redirect to the path with a slash',
    mcp,
    answered(307, { location: '/mcp/' }),
    /redirects to http:\/\/kms:8080\/mcp\/.*Write upstream = "http:\/\/kms:8080\/mcp\/"/s,
  ],
  [
    'a redirect to https',
    mcp,
    answered(308, { location: 'https://kms/mcp' }),
    /Write upstream = "https:\/\/kms\/mcp"/,
  ],
  [
    'a redirect to a sign-in page',
    mcp,
    answered(302, { location: 'https://login.test/oauth2/start?rd=x' }),
    /redirects to https:\/\/login\.test\/oauth2\/start: .* sign-in of its own.*past the proxy/s,
  ],
  ['a redirect without an address', mcp, answered(302), /answers 302, a redirect/],
  [
    'no path at all',
    'http://kms:8080/',
    answered(404),
    /no MCP endpoint at \/.*"http:\/\/kms:8080\/mcp"/s,
  ],
  ['a slash too many', `${mcp}/`, answered(404), /To try first: "http:\/\/kms:8080\/mcp"/],
  ['another path', 'http://kms:8080/api', answered(404), /"http:\/\/kms:8080\/api\/mcp"/],
  [
    'the path of the older transport',
    'http://kms:8080/sse',
    answered(405),
    /older transport.*"http:\/\/kms:8080\/mcp"/s,
  ],
  ['a web page', mcp, failed(undefined, page), /a web page.*path \(most have \/mcp\)/s],
  [
    'a check of Host (Python SDK)',
    mcp,
    answered(421, { start: 'Invalid Host header' }),
    /does not take the Host kms:8080.*allow the host/s,
  ],
  [
    'a check of Host (TypeScript SDK)',
    mcp,
    answered(403, { start: '{"error":{"message":"Invalid Host: kms"}}' }),
    /does not take the Host kms:8080/,
  ],
  ['a password', mcp, answered(401, { scheme: 'basic' }), /wants basic, an authorization of its/],
  ['a page of a firewall', mcp, answered(403, page), /403 with a web page/],
  ['a proxy alone', mcp, answered(502, page), /a proxy answers 502.*behind that proxy/s],
  [
    'TLS at plain http (Go)',
    mcp,
    answered(400, { start: 'Client sent an HTTP request to an HTTPS server.' }),
    /speaks TLS.*Write https/s,
  ],
  [
    'TLS at plain http (nginx)',
    mcp,
    answered(400, { ...page, start: 'The plain HTTP request was sent to HTTPS port' }),
    /speaks TLS/,
  ],
  ['TLS at plain http (Node)', mcp, failed('UND_ERR_SOCKET'), /write https/],
  ['no http', mcp, failed('HPE_INVALID_CONSTANT'), /answers no http/],
  [
    'a client certificate',
    'https://kms/mcp',
    failed('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'),
    /upstream_client_certificate_file/,
  ],
]
for (const [name, upstream, answer, words] of faults) {
  test(`${name} is told with what to write`, () => {
    const fault = upstreamFault(upstream, answer)
    assert.match(`${fault?.why}. ${fault?.remedy}`, words)
  })
}

const noFaults: readonly (readonly [string, OwnAnswer])[] = [
  ['a bearer token refused', answered(401, { scheme: 'bearer' })],
  ['a refusal without a word', answered(403)],
  ['an error of the server itself', answered(500, { type: 'application/json', start: '{}' })],
  ['a bad request', answered(400, { start: 'Bad Request: no valid session ID' })],
  ['a result', { kind: 'result', result: {} }],
  ['a JSON-RPC error', { kind: 'error', code: -32600, message: 'Invalid Host' }],
  ['nothing listens', failed('ECONNREFUSED')],
]
for (const [name, answer] of noFaults) {
  test(`${name} is no fault that everybody would meet`, () => {
    assert.equal(upstreamFault(mcp, answer), undefined)
  })
}
