import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSelfSubjectReview } from '../../src/proof/self-subject-review.ts'

const review = (userInfo: unknown) =>
  JSON.stringify({ kind: 'SelfSubjectReview', status: { userInfo } })

test('the user and groups are those that the API server names, without control characters', () => {
  const userInfo = { username: 'alice@contoso.test\u001b[2J', groups: ['team-a', 7, 'x'], uid: 'u' }
  const read = readSelfSubjectReview(201, review(userInfo))
  assert.equal(read.kind, 'known')
  assert.ok(read.kind === 'known' && !read.user.includes('\u001b'))
  assert.match(JSON.stringify(read), /alice@contoso\.test.*team-a/)
})

for (const [name, status, body, kind] of [
  ['a refused token', 401, '{"kind":"Status"}', 'unauthenticated'],
  ['nobody', 201, review({ username: 'system:anonymous' }), 'unauthenticated'],
  ['an old API server', 404, '', 'unclear'],
  ['something else', 200, '<html>', 'unclear'],
  ['no user', 201, review({}), 'unclear'],
  ['a list', 201, '[]', 'unclear'],
  ['an outage', 503, '', 'unclear'],
] as const) {
  test(`${name}: ${kind}`, () => assert.equal(readSelfSubjectReview(status, body).kind, kind))
}
