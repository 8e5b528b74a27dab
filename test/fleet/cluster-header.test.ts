import assert from 'node:assert/strict'
import { test } from 'node:test'
import { namesOtherCluster } from '../../src/fleet/cluster-header.ts'

const call = (given: unknown) => ({ method: 'tools/call', params: { name: 'x', arguments: given } })
const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`

type Row = readonly [header: string | undefined, body: unknown, differs: boolean]

const rows: readonly Row[] = [
  [undefined, call({ cluster: 'prod' }), false],
  [undefined, undefined, false],
  ['prod', call({ cluster: 'prod' }), false],
  ['*', call({ cluster: '*' }), false],
  [base64('region=ü'), call({ cluster: 'region=ü' }), false],
  [base64('prod'), call({ cluster: 'prod' }), false],
  [`${base64('prod')} `, call({ cluster: 'prod' }), true],
  ['=?base64?cHJvZA?=', call({ cluster: 'prod' }), true],
  ['dev', call({ cluster: 'prod' }), true],
  ['PROD', call({ cluster: 'prod' }), true],
  ['prod, dev', call({ cluster: 'prod' }), true],
  ['', call({ cluster: 'prod' }), true],
  ['prod', call({}), true],
  ['prod', call({ cluster: ['prod'] }), true],
  ['prod', call({ rolecall_cluster: 'prod', cluster: 'dev' }), false],
  ['dev', call({ rolecall_cluster: 'prod', cluster: 'dev' }), true],
  ['prod', call({ rolecall_cluster: null, cluster: 'prod' }), true],
  ['prod', call(JSON.parse('{"__proto__":{"cluster":"prod"}}')), true],
  ['prod', call(undefined), true],
  ['prod', [call({ cluster: 'prod' })], true],
  ['prod', undefined, true],
]

for (const [header, body, differs] of rows) {
  test(`Mcp-Param-Cluster ${header} ${differs ? 'differs from' : 'agrees with'} ${JSON.stringify(body)}`, () => {
    for (const protocolVersion of [undefined, '2025-11-25', '2026-07-28']) {
      const headers = { cluster: header, protocolVersion }
      const needed = header === undefined && body !== undefined && protocolVersion === '2026-07-28'
      assert.equal(namesOtherCluster(headers, body, 'cluster'), differs || needed)
    }
  })
}

test('where ours has the longer name, another argument "cluster" is not ours', () => {
  const body = call({ cluster: 'a' })
  assert.equal(
    namesOtherCluster({ cluster: 'a', protocolVersion: undefined }, body, 'rolecall_cluster'),
    true,
  )
})

const optional: readonly unknown[] = [
  call({}),
  call({ cluster: null }),
  { ...call({ cluster: 'prod' }), method: 'prompts/get' },
  { method: 'tools/list' },
  undefined,
]

for (const body of optional) {
  test(`the header need not be there with ${JSON.stringify(body)}`, () => {
    const headers = { cluster: undefined, protocolVersion: '2026-07-28' }
    assert.equal(namesOtherCluster(headers, body, 'cluster'), false)
  })
}
