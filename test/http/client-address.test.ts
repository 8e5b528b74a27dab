import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { clientAddresses, networkOf } from '../../src/http/client-address.ts'

const trusted = ['10.0.0.0/8', 'fd00::/8', '127.0.0.1']

function seen(peer: string, ...lines: readonly string[]): string {
  const rawHeaders = lines.flatMap((line) => ['X-Forwarded-For', line])
  const raw = { socket: { remoteAddress: peer }, rawHeaders } as unknown as IncomingMessage
  return clientAddresses(trusted).of(raw)
}

const rows: readonly (readonly [what: string, of: string, address: string])[] = [
  ['nothing was forwarded', seen('10.0.0.1'), '10.0.0.1'],
  ['the peer is not trusted', seen('192.0.2.1', '203.0.113.9'), '192.0.2.1'],
  ['one hop', seen('10.0.0.1', '203.0.113.9'), '203.0.113.9'],
  ['two hops', seen('10.0.0.1', '203.0.113.9, 10.0.0.2'), '203.0.113.9'],
  ['two lines', seen('10.0.0.1', '203.0.113.9', '10.0.0.2'), '203.0.113.9'],
  ['made up in front', seen('10.0.0.1', '198.51.100.7, 203.0.113.9'), '203.0.113.9'],
  ['all of them trusted', seen('10.0.0.1', '10.0.0.3, 10.0.0.2'), '10.0.0.3'],
  ['a port', seen('10.0.0.1', '203.0.113.9:50123'), '203.0.113.9'],
  ['a port at a trusted hop', seen('10.0.0.1', '203.0.113.9:1, 10.0.0.2:443'), '203.0.113.9'],
  ['IPv6', seen('10.0.0.1', '2001:db8::1'), '2001:db8::1'],
  ['IPv6 in brackets', seen('10.0.0.1', '[2001:DB8::1]'), '2001:db8::1'],
  ['IPv6 with a port', seen('10.0.0.1', '[2001:db8::1]:80'), '2001:db8::1'],
  ['a trusted IPv6 with a port', seen('fd00::1', '203.0.113.9, [fd00::2]:80'), '203.0.113.9'],
  ['IPv4 as IPv6', seen('::ffff:10.0.0.1', '::ffff:203.0.113.9'), '203.0.113.9'],
  ['IPv4 as IPv6 with a port', seen('10.0.0.1', '[::ffff:203.0.113.9]:80'), '203.0.113.9'],
  ['IPv4 as IPv6, in hexadecimal', seen('10.0.0.1', '::ffff:cb00:7109'), '203.0.113.9'],
  ['IPv4 as IPv6, written out', seen('10.0.0.1', '0:0:0:0:0:FFFF:203.0.113.9'), '203.0.113.9'],
  ['a zone that is none', seen('10.0.0.1', '2001:db8::1%a-1'), '10.0.0.1'],
  ['spaces and tabs', seen('10.0.0.1', ' \t203.0.113.9\t '), '203.0.113.9'],
  ['no address', seen('10.0.0.1', 'unknown'), '10.0.0.1'],
  ['no address before a hop', seen('10.0.0.1', 'unknown, 10.0.0.2'), '10.0.0.2'],
  ['an obfuscated one', seen('10.0.0.1', '203.0.113.9, _hidden'), '10.0.0.1'],
  ['an empty entry', seen('10.0.0.1', '203.0.113.9,'), '10.0.0.1'],
  ['an empty line', seen('10.0.0.1', ''), '10.0.0.1'],
  ['a name', seen('10.0.0.1', 'evil.example'), '10.0.0.1'],
  ['a number', seen('10.0.0.1', '3405803785'), '10.0.0.1'],
  ['an octal', seen('10.0.0.1', '0313.0.0161.011'), '10.0.0.1'],
  ['a port that is none', seen('10.0.0.1', '203.0.113.9:http'), '10.0.0.1'],
  ['a bracket that does not close', seen('10.0.0.1', '[2001:db8::1'), '10.0.0.1'],
  ['markup', seen('10.0.0.1', '203.0.113.9<script>'), '10.0.0.1'],
]

for (const [what, of, address] of rows) {
  test(`X-Forwarded-For: ${what}`, () => assert.equal(of, address))
}

test('without trusted_proxies the header is nobody’s', () => {
  const raw = {
    socket: { remoteAddress: '127.0.0.1' },
    rawHeaders: ['X-Forwarded-For', '203.0.113.9'],
  } as unknown as IncomingMessage
  assert.equal(clientAddresses([]).of(raw), '127.0.0.1')
})

test('a limit per address counts an IPv6 network as one', () => {
  assert.equal(networkOf('203.0.113.9'), '203.0.113.9')
  assert.equal(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:2:ffff::9'))
  assert.notEqual(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'))
})
