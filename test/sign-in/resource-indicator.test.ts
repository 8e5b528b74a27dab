import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorAnswer } from '../../src/oauth/error-answer.ts'
import { resourceIndicators } from '../../src/sign-in/resource-indicator.ts'

const resources = [
  { name: 'prod', path: '/mcp' },
  { name: 'dev', path: '/team/Dev' },
]
const indicators = resourceIndicators(
  { public_url: 'https://mcp.example.com', internal_hosts: ['rolecall.holmes.svc:8080'] },
  resources,
)
const local = resourceIndicators(
  { public_url: 'http://127.0.0.1:8080', internal_hosts: [] },
  resources,
)

test('without a value all resources are meant, and so they are by our bare origin', () => {
  for (const value of [
    undefined,
    'https://mcp.example.com',
    'https://mcp.example.com/',
    'http://rolecall.holmes.svc:8080',
    'https://rolecall.holmes.svc:8080/',
  ]) {
    const values = value === undefined ? [] : [value]
    assert.deepEqual(indicators.meantBy(values), ['prod', 'dev'], value)
  }
})

const meant: Readonly<Record<string, string>> = {
  'https://mcp.example.com/mcp': 'prod',
  'https://mcp.example.com/mcp/': 'prod',
  'https://MCP.Example.com/mcp': 'prod',
  'HTTPS://mcp.example.com/mcp': 'prod',
  'https://mcp.example.com:443/mcp': 'prod',
  'https://mcp.example.com:443/mcp/': 'prod',
  'http://rolecall.holmes.svc:8080/mcp': 'prod',
  'https://rolecall.holmes.svc:8080/mcp/': 'prod',
  'https://mcp.example.com/team/Dev': 'dev',
  'http://ROLECALL.holmes.svc:8080/team/Dev/': 'dev',
}
for (const [value, name] of Object.entries(meant)) {
  test(`${value} means ${name}`, () => {
    assert.deepEqual(indicators.meantBy([value]), [name])
  })
}

test('an internal host on a default port may be named with and without it', () => {
  const { meantBy } = resourceIndicators(
    { public_url: 'https://mcp.example.com', internal_hosts: ['one:80', 'two'] },
    resources,
  )
  for (const host of ['one', 'one:80', 'two', 'two:80']) {
    assert.deepEqual(meantBy([`http://${host}/mcp`]), ['prod'], host)
  }
})

const others = [
  'https://mcp.example.com//',
  'https://mcp.example.com/mcp//',
  'https://mcp.example.com//mcp',
  'https://mcp.example.com/MCP',
  'https://mcp.example.com/team/dev',
  'https://mcp.example.com/team',
  'https://mcp.example.com/mcp/x',
  'https://mcp.example.com/mcpx',
  'https://mcp.example.com/mcp?',
  'https://mcp.example.com/mcp?x=1',
  'https://mcp.example.com/mcp#',
  'https://mcp.example.com/mcp#x',
  'https://mcp.example.com/x/../mcp',
  'https://mcp.example.com/./mcp',
  'https://mcp.example.com/mcp/.',
  'https://mcp.example.com/x/%2e%2e/mcp',
  'https://mcp.example.com/%6dcp',
  'https://mcp.example.com/mcp%2f',
  'https://mcp.example.com/mcp;x',
  'https://mcp.example.com:8443/mcp',
  'https://mcp.example.com:80/mcp',
  'https://mcp.example.com:/mcp',
  'https://mcp.example.com:0443/mcp',
  'http://mcp.example.com/mcp',
  'https://mcp.example.com./mcp',
  'https://x@mcp.example.com/mcp',
  'https://mcp.example.com@evil.example/mcp',
  'https://evil.example/mcp',
  'https://mcp.example.com.evil.example/mcp',
  'https://evil.mcp.example.com/mcp',
  'https://rolecall.holmes.svc/mcp',
  'ftp://mcp.example.com/mcp',
  'https:/mcp.example.com/mcp',
  'https:mcp.example.com/mcp',
  'https:///mcp.example.com/mcp',
  'https:\\\\mcp.example.com\\mcp',
  'https://mcp.example.com\\mcp',
  '//mcp.example.com/mcp',
  'mcp.example.com/mcp',
  '/mcp',
  'mcp',
  'prod',
  '*',
  ' https://mcp.example.com/mcp',
  'https://mcp.example.com/mcp ',
  'https://mcp.example.com/mcp\n',
  '\u0001https://mcp.example.com/mcp',
  'https://mcp.exam\tple.com/mcp',
  'https://mcp\u3002example.com/mcp',
  '6dae42f8-4368-4678-94ff-3960e28e3630',
  'api://rolecall',
  'urn:x',
]
const [prod, dev, origin] = [
  'https://mcp.example.com/mcp',
  'https://mcp.example.com/team/Dev',
  'https://mcp.example.com',
]
const several: readonly (readonly [what: string, values: readonly string[], meant: string[]])[] = [
  ['the same one twice', [prod, prod], ['prod']],
  ['one in two spellings', [prod, `${prod}/`, 'http://rolecall.holmes.svc:8080/mcp'], ['prod']],
  ['one and our origin', [origin, dev], ['dev']],
  ['our origin twice', [origin, `${origin}/`], ['prod', 'dev']],
]
for (const [what, values, names] of several) {
  test(`several values mean what all of them mean: ${what}`, () => {
    assert.deepEqual(indicators.meantBy(values), names)
    assert.deepEqual(indicators.meantBy(values.toReversed()), names)
  })
}

test('values that mean two resources are invalid_target, and what is expected is named', () => {
  for (const values of [
    [prod, dev],
    [dev, prod],
    [prod, origin, dev],
    [prod, prod, dev],
  ]) {
    assert.throws(
      () => indicators.meantBy(values),
      /Only one resource.*https:\/\/mcp\.example\.com\/mcp or/,
    )
  }
  assert.throws(() => indicators.meantBy([prod, 'https://evil.example/mcp']), /not served here/)
})

test('the right one with a query or a fragment is told apart from itself', () => {
  for (const more of ['?x', '#', '#x']) {
    assert.throws(
      () => indicators.meantBy([`https://mcp.example.com/mcp${more}`]),
      /with what follows/,
    )
  }
})

test('anything else is invalid_target and is told what is expected', () => {
  for (const value of others) {
    assert.throws(
      () => indicators.meantBy([value]),
      (error) => {
        assert.ok(error instanceof ErrorAnswer)
        assert.deepEqual([error.status, error.error], [400, 'invalid_target'], value)
        assert.match(error.message, /https:\/\/mcp\.example\.com\/mcp or .*\/team\/Dev/)
        return true
      },
      JSON.stringify(value),
    )
  }
})

test('another spelling of a loopback address is another address', () => {
  assert.deepEqual(local.meantBy(['http://127.0.0.1:8080/mcp']), ['prod'])
  for (const host of ['localhost:8080', '127.1:8080', '0x7f000001:8080', '[::1]:8080']) {
    assert.throws(() => local.meantBy([`http://${host}/mcp`]), ErrorAnswer, host)
  }
})

test('a long or hostile value is cut and made printable in the answer', () => {
  assert.throws(
    () => indicators.meantBy([`https://evil.example/<script>\u202e${'x'.repeat(5000)}`]),
    (error: unknown) => {
      assert.ok(error instanceof Error)
      return error.message.length < 300 && /^[\x20-\x7e]*$/.test(error.message)
    },
  )
})
