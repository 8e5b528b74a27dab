import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  exactRedirectUris,
  presetOrigins,
  redirectUriRule,
} from '../../../src/sign-in/clients/redirect-uris.ts'
import { everyPreset, lookAlikes, robusta } from '../../support/look-alikes.ts'

const publicUrl = 'https://mcp.example.com'

const known: Readonly<Record<string, readonly string[]>> = {
  robusta: [
    robusta,
    'https://platform.eu.robusta.dev/oauth/callback.html',
    'https://platform.ap.robusta.dev/oauth/callback.html',
  ],
  loopback: [
    'http://127.0.0.1:38139/callback',
    'http://localhost:1/callback',
    'http://[::1]:65535/callback',
    'http://localhost/oauth/callback',
    'http://localhost:6274/oauth/callback/debug',
    'http://127.0.0.1:33418',
    'http://127.0.0.1:33418/',
    'http://localhost:8080/callback?server=a',
  ],
  claude: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
  vscode: ['https://vscode.dev/redirect', 'http://127.0.0.1:33418/', 'http://localhost:33418'],
  cursor: [
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'https://www.cursor.com/agents/mcp/oauth/callback',
    'http://localhost:8787/callback',
  ],
  chatgpt: [
    'https://chatgpt.com/connector_platform_oauth_redirect',
    'https://chatgpt.com/connector/oauth/aBc_123-x',
  ],
}

for (const [preset, uris] of Object.entries(known)) {
  test(`the preset ${preset} takes what its client sends, and nothing without it does`, () => {
    const allows = redirectUriRule([preset], publicUrl)
    const others = redirectUriRule(['https://app.contoso.test/callback'], publicUrl)
    for (const uri of uris) {
      assert.equal(allows(uri), true, uri)
      assert.equal(others(uri), false, uri)
    }
  })
}

for (const [what, uris] of Object.entries(lookAlikes)) {
  test(`with every preset allowed, what differs from a known address by ${what} is refused`, () => {
    const allows = redirectUriRule(everyPreset, publicUrl)
    for (const uri of uris) assert.equal(allows(uri), false, JSON.stringify(uri))
  })
}

test('an address of more than 2,000 characters is refused', () => {
  const allows = redirectUriRule(['loopback'], publicUrl)
  const uri = 'http://localhost:8080/'
  assert.equal(allows(uri + 'a'.repeat(2000 - uri.length)), true)
  assert.equal(allows(uri + 'a'.repeat(2001 - uri.length)), false)
})

test('our own origin is never a redirect URI, however it is configured or spelled', () => {
  const own = `${publicUrl}/oauth/callback`
  assert.equal(redirectUriRule([own], publicUrl)(own), false)
  const spellings = [
    'https://mcp.example.com:443/oauth/callback',
    'https://MCP.example.com/oauth/callback',
    'https://mcp.example.com/x/../oauth/callback',
  ]
  for (const uri of spellings) assert.equal(redirectUriRule([uri], publicUrl)(uri), false, uri)
})

for (const host of ['localhost', '127.0.0.1', '[::1]']) {
  test(`with rolecall on ${host}, its port is refused in every spelling of loopback`, () => {
    const allows = redirectUriRule(['loopback'], `http://${host}:8080`)
    for (const name of ['localhost', '127.0.0.1', '[::1]']) {
      for (const path of ['', '/', '/oauth/callback', '/mcp', '?x']) {
        assert.equal(allows(`http://${name}:8080${path}`), false, name + path)
      }
      assert.equal(allows(`http://${name}:8081/callback`), true, name)
    }
  })
}

test('with rolecall on port 80 the port may be written or not, and is refused either way', () => {
  const allows = redirectUriRule(['loopback'], 'http://localhost')
  for (const uri of ['http://localhost/cb', 'http://127.0.0.1:80/cb', 'http://[::1]/cb']) {
    assert.equal(allows(uri), false, uri)
  }
  assert.equal(allows('http://localhost:8080/cb'), true)
})

test('VS Code and Cursor on loopback take their own paths and no others', () => {
  const vscode = redirectUriRule(['vscode'], publicUrl)
  const cursor = redirectUriRule(['cursor'], publicUrl)
  assert.equal(vscode('http://127.0.0.1:33418/callback'), false)
  assert.equal(cursor('http://127.0.0.1:33418/'), false)
  assert.equal(cursor('http://127.0.0.1:33418/callback/x'), false)
})

test('an exact URI is taken by its very text', () => {
  const allows = redirectUriRule(['https://app.contoso.test/cb?a=1'], publicUrl)
  assert.equal(allows('https://app.contoso.test/cb?a=1'), true)
  for (const uri of ['https://app.contoso.test/cb', 'https://app.contoso.test/cb?a=1&b=2']) {
    assert.equal(allows(uri), false, uri)
  }
})

test('what is named exactly can be listed, and the pages of the presets have their origins', () => {
  const entries = ['robusta', 'cursor', 'https://app.contoso.test/cb', 'robusta']
  assert.deepEqual(exactRedirectUris(entries), [
    ...(known['robusta'] ?? []),
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'https://www.cursor.com/agents/mcp/oauth/callback',
    'https://app.contoso.test/cb',
  ])
  assert.deepEqual(presetOrigins(entries), [
    'https://platform.robusta.dev',
    'https://platform.eu.robusta.dev',
    'https://platform.ap.robusta.dev',
    'https://www.cursor.com',
  ])
})
