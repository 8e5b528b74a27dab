import assert from 'node:assert/strict'
import type { LookupFunction } from 'node:net'
import { test } from 'node:test'
import { DocumentError } from '../../src/net/document-error.ts'
import { isPublicAddress, publicLookup } from '../../src/net/public-address.ts'
import { resolvesTo } from '../support/metadata-host.ts'

const addresses: Readonly<Record<string, readonly string[]>> = {
  'this machine': ['127.0.0.1', '127.255.255.254', '::1', '0.0.0.0', '0.1.2.3', '::'],
  'a private network': [
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.0.1',
    'fc00::1',
    'fdff:ffff::1',
    'fec0::1',
  ],
  'a link': ['169.254.0.1', '169.254.169.254', 'fe80::1', 'febf::1', 'fe80::1%eth0', 'fe80::1%1'],
  'the network of a provider': ['100.64.0.1', '100.127.255.254'],
  'many receivers': ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1', 'ff0e::1'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
  'special purposes': [
    '192.0.0.1',
    '198.18.0.1',
    '198.19.255.255',
    '240.0.0.1',
    '100::1',
    '5f00::1',
    '1::1',
    '4000::1',
    'e000::1',
  ],
  'an IPv4 address within': [
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:93.184.216.34',
    '::127.0.0.1',
    '::93.184.216.34',
    '::7f00:1',
    '::ffff:0:127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::127.0.0.1',
    '64:ff9b:1::a00:1',
    '2002:7f00:1::',
    '2002:a00:1::1',
    '2001::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '192.88.99.1',
  ],
  'the platform of a cloud': ['168.63.129.16', '100.100.100.200', '192.0.0.192', 'fd00:ec2::254'],
  'special purposes within the range of IPv6 addresses': [
    '2001:1::1',
    '2001:1::3',
    '2001:2::1',
    '2001:3::1',
    '2001:4:112::1',
    '2001:10::1',
    '2001:20::1',
    '2001:30::1',
    '2001:1ff:ffff::1',
    '2620:4f:8000::1',
    '100:0:0:1::1',
  ],
  'special purposes within the range of IPv4 addresses': [
    '192.0.0.9',
    '192.31.196.1',
    '192.52.193.1',
    '192.175.48.1',
    '233.252.0.1',
  ],
  'no address at all': [
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '1.2.3',
    '1.2.3.4.5',
    '::g',
  ],
}

for (const [what, texts] of Object.entries(addresses)) {
  test(`not a public address: ${what}`, () => {
    for (const text of texts) assert.equal(isPublicAddress(text), false, text)
  })
}

test('addresses of the internet are public ones', () => {
  const texts = [
    '93.184.216.34',
    '1.1.1.1',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.255.255',
    '168.63.129.17',
  ]
  const six = ['2606:4700:4700::1111', '2a00:1450:4001:830::200e', '2600::']
  for (const text of [...texts, ...six]) assert.equal(isPublicAddress(text), true, text)
})

test('of several addresses the public ones are dialled, in either form of the question', async () => {
  const ask = (lookup: LookupFunction, all: boolean) =>
    new Promise((resolve) =>
      lookup('clients.test', { all }, (error, ...found) => resolve(error ?? found)),
    )
  const mixed = ['10.0.0.1', '93.184.216.34', '::1', '2606:4700:4700::1111']
  const lookup = () => publicLookup({ resolve: resolvesTo(mixed) })
  assert.deepEqual(await ask(lookup(), false), ['93.184.216.34', 4])
  assert.deepEqual(await ask(lookup(), true), [
    [
      { address: '93.184.216.34', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ],
  ])
  for (const all of [true, false]) {
    const refused = await ask(publicLookup({ resolve: resolvesTo(['10.0.0.1', '::1']) }), all)
    assert.ok(refused instanceof DocumentError)
    assert.equal(refused.reason, 'private_address')
    const failed = publicLookup({ resolve: (_name, _options, done) => done(new Error('no'), '') })
    assert.equal(((await ask(failed, all)) as Error).message, 'no')
  }
})
