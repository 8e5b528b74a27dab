import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { createAuthority, type IssuedCertificate } from '../../environment/certificates.ts'
import { assertProblem, configOf, loadWith, problemsOf } from '../../support/configuration.ts'

const key = 'A'.repeat(43)
const other = `${'B'.repeat(42)}A`

describe('secrets from files', () => {
  test('x_file gives x, without the line break at its end', () => {
    const loaded = loadWith(
      { sealing_keys_file: '/run/keys' },
      { files: { '/run/keys': `${key}\n${other}\n` } },
    )
    const config = configOf(loaded)
    assert.deepEqual(config.sealing_keys, [key, other])
    assert.deepEqual(config.files, ['/etc/rolecall.toml', '/run/keys'])
  })

  test('x_file may come from another source than the rest', () => {
    const environment = { ROLECALL__SEALING_KEYS_FILE: '/run/keys' }
    const config = configOf(loadWith({}, { environment, files: { '/run/keys': key } }))
    assert.deepEqual(config.sealing_keys, [key])
  })

  test('x and x_file together are an error', () => {
    const loaded = loadWith(
      { sealing_keys_file: '/k', sealing_keys: key },
      { files: { '/k': key } },
    )
    assertProblem(loaded, 'sealing_keys_file', /Remove one of the two/)
  })

  test('x and x_file together are an error from two sources, too', () => {
    const environment = { ROLECALL__SEALING_KEYS: key }
    const loaded = loadWith({ sealing_keys_file: '/k' }, { environment, files: { '/k': key } })
    assertProblem(loaded, 'sealing_keys_file', /ROLECALL__SEALING_KEYS/)
  })

  test('what is wrong in a file is told under the key that names it, and not shown', () => {
    const loaded = loadWith({ sealing_keys_file: '/k' }, { files: { '/k': 'hunter2' } })
    assertProblem(loaded, 'sealing_keys_file', /32 bytes/)
    assert.doesNotMatch(JSON.stringify(problemsOf(loaded)), /hunter2/)
  })

  test('an empty file and one that is not there are errors', () => {
    assertProblem(
      loadWith({ sealing_keys_file: '/k' }, { files: { '/k': '\n' } }),
      'sealing_keys_file',
      /empty/,
    )
    assertProblem(
      loadWith({ sealing_keys_file: '/k' }),
      'sealing_keys_file',
      /\/k.*cannot be read \(ENOENT\)/,
    )
  })

  test('every secret has its file: client_secret, redis_url, that of a client', () => {
    const changes = {
      'sign_in.mode': 'off',
      'sign_in.client': [{ client_id: 'a', redirect_uris: ['robusta'], client_secret_file: '/c' }],
      'identity_provider.client_id': 'x',
      'identity_provider.client_secret_file': '/s',
      'store.redis_url_file': '/r',
    }
    const files = { '/c': 'one', '/s': 'two', '/r': 'redis://redis:6379' }
    const config = configOf(loadWith(changes, { files }))
    assert.deepEqual(config.files.toSorted(), ['/c', '/etc/rolecall.toml', '/r', '/s'])
    assertProblem(
      loadWith(changes, { files: { ...files, '/r': 'nonsense' } }),
      'store.redis_url_file',
      /Redis/,
    )
  })

  test('an access key of Azure is read from its file as it is', () => {
    const key = 'ab/cd#ef?gh%ij+kl='
    const changes = {
      sealing_keys: 'A'.repeat(43),
      'identity_provider.client_id': 'x',
      'store.redis_url': 'rediss://cache.redis.cache.windows.net:6380',
      'store.redis_password_file': '/r',
    }
    const loaded = loadWith(changes, { files: { '/r': `${key}\n` } })
    assert.equal(configOf(loaded).store.redis_password, key)
    const inUrl = { '/r': key, '/u': `rediss://:${key}@cache.redis.cache.windows.net:6380` }
    const { 'store.redis_url': _, ...rest } = changes
    const wrong = loadWith({ ...rest, 'store.redis_url_file': '/u' }, { files: inUrl })
    assertProblem(wrong, 'store.redis_url_file', /redis_password/)
  })

  test('contents of a file are taken as they are: a name in braces in them is no variable', () => {
    const literal = `\${A}`
    const changes = {
      'sign_in.mode': 'off',
      'identity_provider.client_id': 'x',
      'identity_provider.client_secret_file': '/s',
    }
    configOf(loadWith(changes, { files: { '/s': literal } }))
  })
})

describe('certificates', () => {
  let authority: string
  let server: IssuedCertificate
  let client: IssuedCertificate
  before(async () => {
    const made = await createAuthority('Test')
    authority = made.certificate
    server = await made.issue({ names: ['localhost'] })
    client = await made.issue({ clientName: 'rolecall' })
  })

  const files = () => ({
    '/ca': authority,
    '/cert': server.certificate,
    '/key': server.key,
    '/client': client.certificate,
    '/client-key': client.key,
    '/text': 'not a certificate',
    '/broken': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    '/broken-key': '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
  })

  test('files of certificates and keys are read', () => {
    const config = configOf(
      loadWith(
        {
          tls_certificate_file: '/cert',
          tls_key_file: '/key',
          'identity_provider.certificate_authority_file': '/ca',
          'resource.0.upstream': 'https://kms/mcp',
          'resource.0.upstream_certificate_authority_file': '/ca',
          'resource.0.upstream_client_certificate_file': '/client',
          'resource.0.upstream_client_key_file': '/client-key',
        },
        { files: files() },
      ),
    )
    assert.deepEqual(config.tls, { certificate: server.certificate, key: server.key })
    assert.equal(config.identity_provider.certificate_authority, authority)
    const [resource] = config.resources
    assert.equal(resource?.upstream_certificate_authority, authority)
    assert.deepEqual(resource?.upstream_client_certificate, {
      certificate: client.certificate,
      key: client.key,
    })
    assert.equal(config.public_url, 'https://localhost:8080')
    assert.deepEqual(config.files.toSorted(), [
      '/ca',
      '/cert',
      '/client',
      '/client-key',
      '/etc/rolecall.toml',
      '/key',
    ])
  })

  const rows: readonly (readonly [changes: Record<string, string>, key: string, words: RegExp])[] =
    [
      [{ tls_certificate_file: '/cert' }, 'tls_certificate_file', /without tls_key_file/],
      [{ tls_key_file: '/key' }, 'tls_key_file', /without tls_certificate_file/],
      [
        { tls_certificate_file: '/cert', tls_key_file: '/client-key' },
        'tls_key_file',
        /not the key of the certificate/,
      ],
      [
        { tls_certificate_file: '/text', tls_key_file: '/key' },
        'tls_certificate_file',
        /no PEM certificate/,
      ],
      [
        { tls_certificate_file: '/broken', tls_key_file: '/key' },
        'tls_certificate_file',
        /cannot be parsed/,
      ],
      [{ tls_certificate_file: '/cert', tls_key_file: '/cert' }, 'tls_key_file', /no PEM key/],
      [
        { tls_certificate_file: '/cert', tls_key_file: '/broken-key' },
        'tls_key_file',
        /cannot be parsed/,
      ],
      [{ tls_certificate_file: '/cert', tls_key_file: '/none' }, 'tls_key_file', /cannot be read/],
      [
        { 'identity_provider.certificate_authority_file': '/key' },
        'identity_provider.certificate_authority_file',
        /no PEM certificate/,
      ],
      [
        { 'resource.0.upstream_certificate_authority_file': '/none' },
        'resource[0].upstream_certificate_authority_file',
        /cannot be read/,
      ],
      [
        { 'resource.0.upstream_client_certificate_file': '/client' },
        'resource[0].upstream_client_certificate_file',
        /without resource\[0\]\.upstream_client_key_file/,
      ],
    ]
  for (const [changes, name, words] of rows) {
    test(`refused: ${JSON.stringify(changes)}`, () => {
      assertProblem(loadWith(changes, { files: files() }), name, words)
    })
  }
})
