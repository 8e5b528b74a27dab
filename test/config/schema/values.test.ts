import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertProblem, configOf, loadWith, tenant } from '../../support/configuration.ts'

const refused: readonly (readonly [key: string, value: unknown, words: RegExp])[] = [
  ['shutdown_delay', 5, /without a unit.*"5s"/],
  ['shutdown_delay', '5', /"5s" for seconds/],
  ['shutdown_delay', '5 s', /ms, s, m or h/],
  ['shutdown_delay', '1h30m', /ms, s, m or h/],
  ['shutdown_delay', '-1s', /ms, s, m or h/],
  ['shutdown_delay', '1000h', /too long/],
  ['limits.header_timeout', '0s', /too short/],
  ['resource.0.connect_timeout', '0s', /too short/],
  ['listen', 8080, /"127.0.0.1:8080"/],
  ['listen', ':8080', /host:port/],
  ['listen', '8080', /host:port/],
  ['listen', '127.0.0.1', /host:port/],
  ['listen', '127.0.0.1:65536', /host:port/],
  ['listen', '::1:8080', /\[::\]:8080/],
  ['listen', 'http://127.0.0.1:8080', /host:port/],
  ['log_level', 'verbose', /trace, debug, info/],
  ['log_level', 5, /info/],
  ['public_url', 'mcp.example.com', /https:\/\/mcp.example.com/],
  ['public_url', 'https://mcp.example.com/mcp', /"https:\/\/mcp.example.com"/],
  ['public_url', 'https://user@mcp.example.com', /user name/],
  ['public_url', 'https://mcp.example.com/?a', /query/],
  ['public_url', 'ftp://mcp.example.com', /not an http or https URL/],
  ['public_url', 'http://mcp.example.com', /plain http to a public name/],
  ['internal_hosts', ['http://a'], /without scheme/],
  ['internal_hosts', ['a/b'], /without scheme/],
  ['internal_hosts', ['*.example.com'], /without scheme/],
  ['internal_hosts', 'a', /brackets/],
  ['allowed_origins', ['*'], /unsafe_any_origin/],
  ['allowed_origins', ['null'], /scheme and host/],
  ['allowed_origins', ['file://'], /scheme and host/],
  ['allowed_origins', ['file:///home/a'], /scheme and host/],
  ['allowed_origins', ['file://host'], /told from others/],
  ['allowed_origins', ['about:blank'], /scheme and host/],
  ['allowed_origins', ['a.example'], /scheme and host/],
  ['allowed_origins', ['https://*.example.com'], /wildcard/],
  ['allowed_origins', ['http://localhost:*'], /not an http or https URL/],
  ['allowed_origins', ['chrome-extension://*'], /wildcard/],
  ['allowed_origins', ['chrome-extension://abc/popup.html'], /"chrome-extension:\/\/abc"/],
  ['allowed_origins', ['tauri://user@localhost'], /scheme and host/],
  ['sign_in.popup_origins', ['https://*.example.com'], /wildcard/],
  ['keep_alive', '1ms', /too short/],
  ['allowed_origins', ['https://a.example/b'], /"https:\/\/a.example"/],
  ['trusted_proxies', ['10.0.0.0/33'], /CIDR/],
  ['trusted_proxies', ['10.0.0/8'], /CIDR/],
  ['trusted_proxies', ['fd00::/129'], /CIDR/],
  ['trusted_proxies', ['proxy.example.com'], /CIDR/],
  ['unsafe_any_origin', 'true', /without quotes/],
  ['sealing_keys', 'short', /rolecall keygen/],
  ['sealing_keys', `${'A'.repeat(43)}=`, /rolecall keygen/],
  ['sealing_keys', `${'A'.repeat(42)}B`, /rolecall keygen/],
  ['sealing_keys', `${'A'.repeat(43)}\n${'A'.repeat(43)}`, /twice/],
  ['sealing_keys', 5, /text of keys/],
  ['identity_provider.kind', 'entraid', /entra, oidc/],
  ['identity_provider.tenant_id', 'contoso.onmicrosoft.com', /domain.*Overview/],
  ['identity_provider.tenant_id', 'common', /no single tenant.*Overview/],
  ['identity_provider.tenant_id', 'organizations', /no single tenant.*Overview/],
  ['identity_provider.tenant_id', 'consumers', /no single tenant.*Overview/],
  ['identity_provider.tenant_id', 'prod', /GUID/],
  ['identity_provider.tenant_id', `{${tenant}}`, /GUID/],
  ['identity_provider.cloud', 'gov', /public, usgov, china/],
  ['identity_provider.client_id', '*', /wildcard.*the one id/],
  ['identity_provider.client_id', ' abc ', /white space/],
  ['identity_provider.authority', 'http://login.example.com', /plain http off loopback/],
  ['identity_provider.authority', 'http://mock:8080', /plain http off loopback/],
  ['identity_provider.signing_algorithms', ['HS256'], /asymmetric/],
  ['identity_provider.signing_algorithms', ['RS256', 'none'], /asymmetric/],
  ['identity_provider.signing_algorithms', [], /empty/],
  ['identity_provider.stale_for', 24, /"24s"/],
  ['identity_provider.client_secret_method', 'jwt', /post, basic/],
  ['identity_provider.authorize_parameters', { prompt: 1 }, /text/],
  ['identity_provider.discovery_url', 'http://idp.example.com/.well-known/a', /cluster-internal/],
  ['identity_provider.discovery_url', 'https://idp.example.com/x/', /"https:.*\/x\/.well-known/],
  ['identity_provider.discovery_url', 'idp/.well-known/a', /http or https URL/],
  ['store.redis_url', 'localhost:6379', /redis:\/\//],
  ['store.redis_url', 'http://localhost:6379', /redis:\/\//],
  ['store.redis_url', 'rediss://:hunter2/x=@redis:6380', /redis_password/],
  ['store.redis_url', 'rediss://a:123/hunter2@redis:6380', /redis_password/],
  ['store.redis_url', 'rediss://:hunter2#x@redis:6380', /redis_password/],
  ['store.redis_url', 'rediss://:hunter2?x@redis:6380', /redis_password/],
  ['store.redis_url', 'rediss://:hunter2%x@redis:6380', /begins no %xx.*redis_password/],
  ['store.redis_url', 'rediss://%zz:hunter2@redis:6380', /begins no %xx.*redis_password/],
  ['store.redis_url', 'redis://redis:99999', /redis:\/\/host/],
  ['store.redis_url', 'redis://redis/cache', /number of a database/],
  ['store.redis_url', 'redis://redis/0?tls=false', /query/],
  ['store.redis_url', 'redis://:hunter2@', /URL of a Redis server/],
  ['limits.header_bytes', 0, /4096 or more/],
  ['limits.header_bytes', 10_000_000, /1048576 or less/],
  ['limits.header_bytes', '32768', /without quotes/],
  ['limits.body_bytes', 0, /1 or more/],
  ['limits.body_bytes', -1, /1 or more/],
  ['limits.body_bytes', 1.5, /whole number/],
  ['limits.registrations_per_minute', 0, /1 or more/],
  ['sign_in.mode', 'on', /broker, relay, off/],
  ['sign_in.redirect_uris', ['http://a.example/callback'], /plain http off loopback/],
  ['sign_in.redirect_uris', ['https://*.example/callback'], /wildcard/],
  ['sign_in.redirect_uris', ['https://a.example/#b'], /redirect URI/],
  ['sign_in.redirect_uris', ['cursor2'], /loopback, claude/],
  ['sign_in.sessions_valid_after', 'yesterday', /RFC 3339/],
  ['resource.0.name', 'Prod', /a to z/],
  ['resource.0.name', 'a'.repeat(41), /1 to 40/],
  ['resource.0.path', '/', /start page/],
  ['resource.0.path', 'mcp', /such as "\/mcp"/],
  ['resource.0.path', '/mcp/', /Write "\/mcp"/],
  ['resource.0.path', '//mcp', /such as "\/mcp"/],
  ['resource.0.path', '/a/../b', /such as "\/mcp"/],
  ['resource.0.path', '/a b', /such as "\/mcp"/],
  ['resource.0.path', '/a%2fb', /such as "\/mcp"/],
  ['resource.0.path', '/mcp?x', /such as "\/mcp"/],
  ['resource.0.path', '/:name', /such as "\/mcp"/],
  ['resource.0.path', '/oauth', /answers itself/],
  ['resource.0.path', '/oauth/mcp', /answers itself/],
  ['resource.0.path', '/.well-known/mcp', /answers itself/],
  ['resource.0.path', '/mcp/.well-known/openid-configuration', /metadata/],
  ['resource.0.upstream', 'kms:8080/mcp', /http or https URL/],
  ['resource.0.upstream', 'http://user:hunter2@kms/mcp', /user name or a password/],
  ['resource.0.upstream', 'http://@kms/mcp', /user name or a password/],
  ['resource.0.upstream', 'http://kms/mcp?a=b', /query/],
  ['resource.0.upstream', 'http://kms/mcp#a', /fragment/],
  ['resource.0.upstream_token_header', 'content-type', /meaning of its own/],
  ['resource.0.upstream_token_header', 'Host', /meaning of its own/],
  ['resource.0.upstream_token_header', 'transfer-encoding', /meaning of its own/],
  ['resource.0.upstream_token_header', 'Connection', /meaning of its own/],
  ['resource.0.upstream_token_header', 'mcp-session-id', /meaning of its own/],
  ['resource.0.upstream_token_header', 'x token', /not the name/],
  ['resource.0.upstream_token_header', 'x_token', /not the name/],
  ['resource.0.upstream_identity', 'caler', /Did you mean "caller"/],
  ['resource.0.audiences', ['a', ''], /empty/],
  ['resource.0.audiences', 'a', /brackets/],
  ['resource.0.request_scopes', ['openid profile'], /item of its own/],
  ['resource.0.request_scopes', ['a"b'], /item of its own/],
  ['resource.0.token_issuers', [''], /empty/],
  ['resource.0.token_issuers', [' urn:a '], /white space/],
  ['resource.0.token_issuers', ['https://*.example.com'], /wildcard or a template/],
  ['resource.0.token_issuers', ['https://sts.windows.net/{tenantid}/'], /template/],
  [
    'resource.0.token_issuers',
    ['https://kc.example/realms/a/.well-known/openid-configuration'],
    /Write "https:\/\/kc\.example\/realms\/a"/,
  ],
  ['resource.0.audiences', ['*'], /unsafe_any_audience/],
  ['resource.0.audiences', ['api://*'], /wildcard/],
  ['resource.0.audiences', [' api://a'], /white space/],
  ['resource.0.allowed_clients', ['claude-*'], /wildcard.*Name each client id/],
  ['resource.0.required_groups', ['*'], /wildcard/],
  ['audit.arguments', ['pods_*'], /Name each tool/],
  [
    'identity_provider.authority',
    `https://a.ciamlogin.com/${tenant}`,
    /"https:\/\/a\.ciamlogin\.com"/,
  ],
  ['identity_provider.authority', 'https://a.ciamlogin.com/a/v2.0', /tenant_id/],
  ['resource.0.labels', { region: 1 }, /text/],
  ['resource.0.stream_keep_alive', 25, /"25s"/],
  ['limits.batch_messages', 0, /1 or more/],
  ['limits.batch_messages', 1001, /1000 or less/],
  ['limits.connections', -1, /0 or more/],
  ['audit.arguments', [''], /empty/],
  ['resource.0.token_kind', 'jwt', /access_token, id_token/],
]

for (const [path, value, words] of refused) {
  test(`refused: ${path} = ${JSON.stringify(value)?.slice(0, 60)}`, () => {
    const loaded = loadWith({ ...providerFor(path), [path]: value })
    const [problem] = loaded.kind === 'problems' ? loaded.problems : []
    const wanted = path.replace('.0', '[0]')
    assert.ok(problem?.key.startsWith(wanted), `${problem?.key} begins with ${wanted}`)
    assertProblem(loaded, problem?.key ?? '', words)
    assert.doesNotMatch(JSON.stringify(loaded), /hunter2/)
  })
}

/** What only another provider has is judged with that one. */
function providerFor(path: string): Record<string, unknown> {
  if (path !== 'identity_provider.discovery_url') return {}
  return { identity_provider: { kind: 'oidc', issuer: 'https://idp.example.com' } }
}

const taken: readonly (readonly [key: string, value: unknown, read: unknown])[] = [
  ['shutdown_delay', '0s', 0],
  ['shutdown_delay', '1500ms', 1500],
  ['shutdown_delay', '1.5s', 1500],
  ['shutdown_grace', '2m', 120_000],
  ['identity_provider.stale_for', '48h', 172_800_000],
  ['listen', '[::1]:8080', { host: '::1', port: 8080 }],
  ['listen', 'localhost:8081', { host: 'localhost', port: 8081 }],
  ['public_url', 'https://MCP.example.com/', 'https://mcp.example.com'],
  ['public_url', 'http://rolecall.holmes.svc.cluster.local:8080', undefined],
  ['public_url', 'http://rolecall.holmes.svc', undefined],
  ['public_url', 'http://rolecall:8080', undefined],
  ['public_url', 'http://[::1]:8080', undefined],
  ['public_url', 'http://127.0.0.2', undefined],
  [
    'internal_hosts',
    ['Rolecall.holmes.svc:8080', '[fd00::1]:80', '10.0.0.1'],
    ['rolecall.holmes.svc:8080', '[fd00::1]:80', '10.0.0.1'],
  ],
  [
    'allowed_origins',
    ['HTTPS://a.example:443', 'http://localhost:6274'],
    ['https://a.example', 'http://localhost:6274'],
  ],
  [
    'trusted_proxies',
    ['10.0.0.0/8', 'fd00::/8', '192.168.0.1'],
    ['10.0.0.0/8', 'fd00::/8', '192.168.0.1/32'],
  ],
  [
    'sealing_keys',
    `${'A'.repeat(43)}\n\n${'B'.repeat(42)}A\r\n`,
    ['A'.repeat(43), `${'B'.repeat(42)}A`],
  ],
  ['sealing_keys', ['A'.repeat(43)], ['A'.repeat(43)]],
  ['identity_provider.tenant_id', tenant.toUpperCase(), tenant],
  ['identity_provider.authority', 'http://localhost:8089/', 'http://localhost:8089'],
  ['identity_provider.signing_algorithms', ['ES256', 'EdDSA', 'Ed25519', 'PS512'], undefined],
  ['identity_provider.groups_claim', 'teams', undefined],
  [
    'identity_provider.discovery_url',
    'http://keycloak.keycloak.svc:8080/realms/main/.well-known/openid-configuration',
    undefined,
  ],
  [
    'allowed_origins',
    [
      'Chrome-Extension://abcdef',
      'tauri://localhost/',
      'app://obsidian.md',
      'vscode-webview://1-a',
    ],
    ['chrome-extension://abcdef', 'tauri://localhost', 'app://obsidian.md', 'vscode-webview://1-a'],
  ],
  ['keep_alive', '620s', 620_000],
  ['limits.connections', 0, undefined],
  ['audit.arguments', ['pods_list'], undefined],
  ['resource.0.stream_keep_alive', '0s', 0],
  ['resource.0.description', 'Europe, production', undefined],
  ['resource.0.labels', { region: 'eu' }, undefined],
  [
    'resource.0.token_issuers',
    ['http://adfs.example.com/adfs/services/trust', 'urn:example:issuer'],
    undefined,
  ],
]

for (const [path, value, read] of taken) {
  test(`taken: ${path} = ${JSON.stringify(value).slice(0, 60)}`, () => {
    const config: unknown = configOf(loadWith({ ...providerFor(path), [path]: value }))
    const found = path
      .replace('resource.', 'resources.')
      .split('.')
      .reduce((table, key) => (table as Record<string, unknown>)[key], config)
    assert.deepEqual(found, read ?? value)
  })
}

test('a header name is lower case, an issuer stays as it is written', () => {
  const issuer = 'https://IdP.example.com/Realm/'
  const config = configOf(
    loadWith({
      identity_provider: { kind: 'oidc', issuer },
      'resource.0.upstream_token_header': 'X-ArgoCD-API-Token',
    }),
  )
  assert.ok(config.identity_provider.kind === 'oidc')
  assert.equal(config.identity_provider.issuer, issuer)
  assert.equal(config.resources[0]?.upstream_token_header, 'x-argocd-api-token')
})

test('an empty groups_claim takes the default away, in a file and in the environment', () => {
  const given = { environment: { ROLECALL__IDENTITY_PROVIDER__GROUPS_CLAIM: '' } }
  for (const loaded of [loadWith({ 'identity_provider.groups_claim': '' }), loadWith({}, given)]) {
    assert.ok(!('groups_claim' in configOf(loaded).identity_provider))
  }
})
