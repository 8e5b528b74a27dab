import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  exactRedirectUris,
  presetOrigins,
  redirectUriRule,
} from '../../src/sign-in/redirect-uris.ts'

const publicUrl = 'https://mcp.example.com'
const robusta = 'https://platform.robusta.dev/oauth/callback.html'
const everyPreset = ['robusta', 'loopback', 'claude', 'vscode', 'cursor', 'chatgpt']

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

/** By what makes each another address than a known one. */
const lookAlikes: Readonly<Record<string, readonly string[]>> = {
  'another host': [
    'https://evil.example/oauth/callback.html',
    'https://platform.robusta.dev.evil.example/oauth/callback.html',
    'https://evil-platform.robusta.dev/oauth/callback.html',
    'https://evil.platform.robusta.dev/oauth/callback.html',
    'https://platform.us.robusta.dev/oauth/callback.html',
    'https://robusta.dev/oauth/callback.html',
    'https://platform.robusta.devevil/oauth/callback.html',
    'https://platformrobusta.dev/oauth/callback.html',
    'https://claude.ai.evil.example/api/mcp/auth_callback',
    'https://claude.co/api/mcp/auth_callback',
    'https://xchatgpt.com/connector/oauth/abc',
    'https://chatgpt.com.evil.example/connector/oauth/abc',
    'http://localhost.evil.example:8080/callback',
    'http://127.0.0.1.evil.example/callback',
    'http://127.0.0.1.nip.io:8080/callback',
    'http://evil.localhost:8080/callback',
    'http://localhost.localdomain/callback',
  ],
  'another path': [
    'https://platform.robusta.dev',
    'https://platform.robusta.dev/',
    'https://platform.robusta.dev/oauth/callback',
    'https://platform.robusta.dev/oauth/callback.html/',
    'https://platform.robusta.dev/oauth/callback.htmlx',
    'https://platform.robusta.dev/oauth/callback.html/x',
    'https://platform.robusta.dev/oauth//callback.html',
    'https://platform.robusta.dev//oauth/callback.html',
    'https://platform.robusta.dev/oauth/callback.html;x',
    'https://platform.robusta.dev/OAuth/callback.html',
    'https://platform.robusta.dev/oauth/callback.HTML',
    'https://chatgpt.com/connector/oauth/',
    'https://chatgpt.com/connector/oauth/a/b',
    'https://chatgpt.com/connector/oauth/a?b',
    `https://chatgpt.com/connector/oauth/${'a'.repeat(101)}`,
  ],
  'a query': [`${robusta}?`, `${robusta}?x=1`, `${robusta}?redirect=https://evil.example`],
  'a fragment': [`${robusta}#`, `${robusta}#x`, 'http://localhost:8080/callback#x'],
  'user info': [
    'https://x@platform.robusta.dev/oauth/callback.html',
    'https://platform.robusta.dev@evil.example/oauth/callback.html',
    'https://platform.robusta.dev:443@evil.example/oauth/callback.html',
    'http://localhost@evil.example/callback',
    'http://localhost:8080@evil.example/callback',
    'http://x@localhost:8080/callback',
    'http://x:y@127.0.0.1:8080/callback',
    'http://@localhost:8080/callback',
  ],
  'a port': [
    'https://platform.robusta.dev:443/oauth/callback.html',
    'https://platform.robusta.dev:8443/oauth/callback.html',
    'https://platform.robusta.dev:/oauth/callback.html',
    'http://localhost:/callback',
    'http://localhost:0/callback',
    'http://localhost:65536/callback',
    'http://localhost:99999/callback',
    'http://localhost:100000/callback',
    'http://localhost:-1/callback',
    'http://localhost:8080a/callback',
    'http://localhost:0x50/callback',
    'http://localhost:08080/callback',
    'http://localhost:80:80/callback',
  ],
  'another scheme': [
    'http://platform.robusta.dev/oauth/callback.html',
    'ftp://platform.robusta.dev/oauth/callback.html',
    'https://localhost:8080/callback',
    'https://127.0.0.1:8080/callback',
    'HTTPS://platform.robusta.dev/oauth/callback.html',
    'HTTP://localhost:8080/callback',
    '//platform.robusta.dev/oauth/callback.html',
    'javascript:alert(1)',
    'javascript://platform.robusta.dev/%0aalert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'about:blank',
    'blob:https://platform.robusta.dev/oauth/callback.html',
    'view-source:https://platform.robusta.dev/oauth/callback.html',
    'vscode://vscode.git/x',
    'cursor://anysphere.cursor-mcp/oauth/callback/',
    'cursor://anysphere.cursor-mcp/oauth/callback?x=1',
    'cursor://evil/oauth/callback',
    'cursor-evil://anysphere.cursor-mcp/oauth/callback',
    'ws://localhost:8080/callback',
    'http:localhost:8080/callback',
    'http:/localhost:8080/callback',
    'http:///localhost:8080/callback',
    'https:platform.robusta.dev/oauth/callback.html',
    'https:///platform.robusta.dev/oauth/callback.html',
  ],
  'upper case': [
    'https://PLATFORM.robusta.dev/oauth/callback.html',
    'http://LOCALHOST:8080/callback',
    'http://Localhost:8080/callback',
  ],
  'a trailing dot': [
    'https://platform.robusta.dev./oauth/callback.html',
    'http://localhost.:8080/callback',
    'http://127.0.0.1.:8080/callback',
  ],
  'a wildcard': [
    'https://*.robusta.dev/oauth/callback.html',
    'https://platform.robusta.dev/*',
    'https://platform.robusta.dev/oauth/*.html',
    'http://localhost:*/callback',
    'http://*:8080/callback',
    '*',
  ],
  'dot segments': [
    'https://platform.robusta.dev/oauth/../oauth/callback.html',
    'https://platform.robusta.dev/oauth/./callback.html',
    'https://platform.robusta.dev/oauth/callback.html/..',
    'https://platform.robusta.dev/x/%2e%2e/oauth/callback.html',
    'https://platform.robusta.dev/oauth/callback.html/%2e%2e/x',
    'https://platform.robusta.dev/x/..%2foauth/callback.html',
    'http://localhost:8080/callback/..',
    'http://localhost:8080/./callback',
    'http://localhost:8080/a/../callback',
    'http://localhost:8080/a/%2e%2e/callback',
    'http://localhost:8080/a/%2E./callback',
    'http://localhost:8080/a/.%2e',
    'http://localhost:8080/%2E/callback',
    'http://localhost:8080/a/..%2fcallback',
    'http://localhost:8080/a/..%5ccallback',
  ],
  'an encoded spelling': [
    'https://platform.robusta.dev/oauth/callback%2ehtml',
    'https://platform.robusta.dev/oauth%2fcallback.html',
    'https://platform%2erobusta%2edev/oauth/callback.html',
    'https://%70latform.robusta.dev/oauth/callback.html',
    'http://%6cocalhost:8080/callback',
    'http://localhost%3a8080/callback',
    'http://localhost%00.evil.example/callback',
    'http://localhost%2eevil.example/callback',
  ],
  'a backslash': [
    'https:\\\\platform.robusta.dev/oauth/callback.html',
    'https://platform.robusta.dev\\oauth\\callback.html',
    'https://evil.example\\@platform.robusta.dev/oauth/callback.html',
    'http://localhost\\.evil.example/callback',
    'http://localhost:8080\\callback',
  ],
  'white space and control characters': [
    ` ${robusta}`,
    `${robusta} `,
    `${robusta}\n`,
    `${robusta}\r\n`,
    `${robusta}\0`,
    `\t${robusta}`,
    `\u0001${robusta}`,
    `${robusta}\u007f`,
    'https://platform.robusta.dev/oauth/call\nback.html',
    'https://platform.robusta.dev/oauth/call\tback.html',
    'http://localhost:8080/callback\r\nLocation: https://evil.example',
    'http://localhost:8080/call back',
    'http://local\thost:8080/callback',
    'http://localhost\n:8080/callback',
  ],
  'letters that only look alike': [
    'https://pl\u0430tform.robusta.dev/oauth/callback.html',
    'https://plat\uff46orm.robusta.dev/oauth/callback.html',
    'https://platform\u3002robusta.dev/oauth/callback.html',
    'https://plat\u00adform.robusta.dev/oauth/callback.html',
    `${robusta}\u200b`,
    `\ufeff${robusta}`,
    'http://\u24dbocalhost:8080/callback',
    'http://localhost:8080/callback\u2028',
    'http://127.0.0\u30021:8080/callback',
    'http://localhost:\u0668\u0660/callback',
  ],
  'another spelling of a loopback address': [
    'http://127.1:8080/callback',
    'http://127.0.0.2:8080/callback',
    'http://127.000.000.001:8080/callback',
    'http://2130706433:8080/callback',
    'http://0x7f.0.0.1:8080/callback',
    'http://0x7f000001:8080/callback',
    'http://0177.0.0.1:8080/callback',
    'http://0.0.0.0:8080/callback',
    'http://0:8080/callback',
    'http://[::]:8080/callback',
    'http://[0:0:0:0:0:0:0:1]:8080/callback',
    'http://[0000::1]:8080/callback',
    'http://[::0001]:8080/callback',
    'http://[::ffff:127.0.0.1]:8080/callback',
    'http://[::ffff:7f00:1]:8080/callback',
    'http://[::127.0.0.1]:8080/callback',
    'http://[::1%25lo]:8080/callback',
    'http://[::1]evil.example/callback',
    'http://[::1]:8080:80/callback',
    'http://::1:8080/callback',
    'http://[::1/callback',
  ],
  'being within another address': [
    `https://evil.example/?next=${robusta}`,
    `https://evil.example/${robusta}`,
    `https://evil.example/#${robusta}`,
    `${robusta},https://evil.example`,
    `${robusta} https://evil.example`,
    `${robusta}|https://evil.example`,
    `http://evil.example:80/http://localhost:8080/callback`,
  ],
  'being no address': [
    '',
    'callback',
    '/oauth/callback.html',
    '127.0.0.1:8080/callback',
    'http://',
    ':',
  ],
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
