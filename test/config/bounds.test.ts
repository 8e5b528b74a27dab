import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { bounds } from '../../src/config/bounds.ts'
import { settingAt, settings } from '../../src/config/schema/settings.ts'

const numberOf = ({ setting, fixed }: (typeof bounds)[number]) =>
  setting === undefined ? fixed : settingAt(setting.split('.'))?.node.default

test('every bound has a number, from its setting or from the code, and what lies beyond', () => {
  for (const bound of bounds) {
    assert.ok((bound.setting === undefined) !== (bound.fixed === undefined), bound.what)
    assert.ok(numberOf(bound) !== undefined, bound.what)
    assert.ok(bound.beyond.length > 2, bound.what)
  }
})

test('every setting of [limits] is a bound of the table', () => {
  const told = new Set(bounds.map(({ setting }) => setting))
  const limits = settings.map(({ path }) => path.join('.')).filter((path) => /^limits\./.test(path))
  assert.deepEqual(
    limits.filter((path) => !told.has(path)),
    [],
  )
})

/** Where the code has the number that the table tells. */
const inCode: Readonly<Record<string, readonly [file: string, line: string]>> = {
  'lines of headers': ['http/listener.ts', 'MAX_HEADER_LINES = 200'],
  'bytes that are read of a body after its refusal': [
    'http/answering-response.ts',
    'PASSED_OVER_BYTES = 262_144',
  ],
  'of these, bodies of one user': ['http/buffered-bytes.ts', 'HOLDERS_PART = 4'],
  'of these, bodies of requests that nobody has authenticated': [
    'http/buffered-bytes.ts',
    'HOLDERS_PART = 4',
  ],
  'connections to the admin port': ['service/service.ts', 'ADMIN_CONNECTIONS = 100'],
  'bytes of a form at `/oauth/*`': ['http/routes/form-body.ts', 'FORM_BYTES = 65_536'],
  'bytes of a registration': ['http/routes/register.ts', 'BODY_BYTES = 16_384'],
  'time for a code or refresh': ['sign-in/deadlines.ts', 'ANSWER_MS = 10_000'],
  'pending sign-ins of one browser': ['http/routes/cookies.ts', 'MOST_TRANSACTIONS = 10'],
  'time from authorize to callback': [
    'sign-in/transaction/transaction.ts',
    'TRANSACTION_LIFETIME_MS = 600_000',
  ],
  'life of a code': ['sign-in/token/authorization-code.ts', 'CODE_LIFETIME_MS = 60_000'],
  'characters of a registered client id': [
    'sign-in/clients/registration-id.ts',
    'LONGEST_CLIENT_ID = 1_000',
  ],
  // Swept as often as that.
  'a stream after its token ended': ['forward/open-exchanges.ts', 'SWEPT_EVERY_MS = 5_000'],
  'a call after its token ended': ['forward/open-exchanges.ts', 'CALL_AFTER_TOKEN_MS = 600_000'],
  'an answer that the client does not read': [
    'forward/upstream/upstream-exchange.ts',
    'STANDS_STILL_MS = 60_000',
  ],
  'bytes of log lines that wait for a reader that stands still': [
    'observe/line-writer.ts',
    'MOST_WAITING_BYTES = 8 * 1_048_576',
  ],
  'code redemptions at the provider at once': [
    'issuer/token-endpoint/concurrency-limit.ts',
    'MOST_REDEMPTIONS = 64',
  ],
  'refreshes at the provider at once': [
    'issuer/token-endpoint/concurrency-limit.ts',
    'MOST_REFRESHES = 256',
  ],
  'fetches for an unknown key': ['issuer/unknown-key-fetch.ts', 'INTERVAL_MS = 30_000'],
  'verified tokens that are remembered': ['issuer/verified-tokens.ts', 'MOST_TOKENS = 10_000'],
  'signatures that are remembered': ['issuer/verified-tokens.ts', 'MOST_SIGNATURES = 100_000'],
  'opened sealed tokens that are remembered': [
    'sign-in/sealed/sealed-access-token.ts',
    'MOST_REMEMBERED = 10_000',
  ],
  'metadata documents that are kept': ['sign-in/clients/metadata-cache.ts', 'MOST_KEPT = 500'],
  'metadata documents fetched at once': ['sign-in/clients/metadata-cache.ts', 'MOST_AT_ONCE = 10'],
  'what sign-in keeps without `[store]`': ['store/memory-store.ts', 'MOST_CHARACTERS = 16_000_000'],
}

for (const { what, fixed } of bounds.filter(({ fixed }) => fixed !== undefined)) {
  const place = inCode[what]
  assert.ok(place, `${what} has its place in the code`)
  test(`the code has the number of the table: ${what}, ${fixed}`, () => {
    const [file, line] = place
    const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')
    assert.ok(source.includes(`${line}\n`) || source.includes(`${line} `), `${file}: ${line}`)
  })
}

test('what the code is asked for is in the table', () => {
  const told = new Set(bounds.map(({ what }) => what))
  assert.deepEqual(
    Object.keys(inCode).filter((what) => !told.has(what)),
    [],
  )
})
