import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bearerChallenge } from '../../src/oauth/challenge.ts'

const resourceMetadata = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'

test('a plain challenge has the metadata and the scopes, and no error', () => {
  assert.equal(
    bearerChallenge({ resourceMetadata, scope: ['a/.default', 'openid'] }),
    `Bearer resource_metadata="${resourceMetadata}", scope="a/.default openid"`,
  )
})

test('without scopes there is no scope parameter', () => {
  assert.equal(
    bearerChallenge({ resourceMetadata }),
    `Bearer resource_metadata="${resourceMetadata}"`,
  )
  assert.equal(
    bearerChallenge({ resourceMetadata, scope: [] }),
    `Bearer resource_metadata="${resourceMetadata}"`,
  )
})

test('an error comes with its description', () => {
  assert.equal(
    bearerChallenge({
      resourceMetadata,
      scope: ['s'],
      error: 'invalid_token',
      errorDescription: 'The token expired.',
    }),
    `Bearer resource_metadata="${resourceMetadata}", scope="s", error="invalid_token", error_description="The token expired."`,
  )
})

test('no parameter can be read inside a description, by a client that searches unanchored', () => {
  const header = bearerChallenge({
    resourceMetadata,
    error: 'invalid_token',
    errorDescription: 'scope=x error="y" resource_metadata=https://evil.example \\" z=1',
  })
  const description = header.slice(header.indexOf('error_description="') + 19, -1)
  assert.doesNotMatch(description, /=|"|\\/)
  assert.deepEqual(header.match(/scope=/g), null)
  assert.deepEqual(header.match(/resource_metadata=/g), ['resource_metadata='])
  assert.deepEqual(header.match(/(?<!_)error=/g), ['error='])
})

test('control characters and other letters become question marks', () => {
  const header = bearerChallenge({
    resourceMetadata,
    error: 'invalid_token',
    errorDescription: 'a\r\nSet-Cookie: b\0\u0085\u2028é',
  })
  assert.ok(header.endsWith('error_description="a??Set-Cookie: b????"'), header)
})

test('a scope with characters that scopes do not have is left out', () => {
  const header = bearerChallenge({ resourceMetadata, scope: ['a b', 'c"', 'd\\', 'é', 'ok', ''] })
  assert.ok(header.endsWith('scope="ok"'), header)
})

test('claims pass only as base64', () => {
  assert.ok(
    bearerChallenge({ resourceMetadata, claims: 'eyJhIjoxfQ==' }).endsWith('claims="eyJhIjoxfQ=="'),
  )
  for (const claims of ['{"a":1}', 'x", error="y', 'a=b', 'a\r\nb', '']) {
    assert.doesNotMatch(bearerChallenge({ resourceMetadata, claims }), /claims/)
  }
})
