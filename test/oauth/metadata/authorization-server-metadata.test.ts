import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  OAuthMetadataSchema,
  OpenIdProviderDiscoveryMetadataSchema,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import {
  authorizationServerMetadata,
  authorizationServerMetadataPaths,
} from '../../../src/oauth/metadata/authorization-server-metadata.ts'
import { ownEndpoints, sharedTokenEndpoint } from '../../../src/oauth/metadata/own-endpoints.ts'

const described = {
  issuer: 'https://mcp.example.com',
  authorizationEndpoint: 'https://login.example.com/authorize',
  tokenEndpoint: 'https://mcp.example.com/oauth/token',
  keySetUrl: 'https://login.example.com/keys',
  signingAlgorithms: ['RS256'],
  subjectType: 'pairwise',
  scopes: ['a/.default', 'openid', 'offline_access'],
} as const

const ownSignIn = {
  registrationEndpoint: 'https://mcp.example.com/oauth/register',
  revocationEndpoint: 'https://mcp.example.com/oauth/revoke',
  clientMetadataDocuments: true,
  issuerParameter: true,
}

test('a server that redeems and refreshes says so, and nothing of registration, revocation or iss', () => {
  assert.deepEqual(authorizationServerMetadata(described), {
    issuer: 'https://mcp.example.com',
    authorization_endpoint: 'https://login.example.com/authorize',
    token_endpoint: 'https://mcp.example.com/oauth/token',
    jwks_uri: 'https://login.example.com/keys',
    scopes_supported: ['a/.default', 'openid', 'offline_access'],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
  })
})

test('a server that signs people in names what it has beside that', () => {
  const metadata = authorizationServerMetadata({ ...described, ownSignIn })
  assert.equal(metadata.registration_endpoint, ownSignIn.registrationEndpoint)
  assert.equal(metadata.revocation_endpoint, ownSignIn.revocationEndpoint)
  assert.equal(metadata.client_id_metadata_document_supported, true)
  assert.equal(metadata.authorization_response_iss_parameter_supported, true)
  const silent = authorizationServerMetadata({
    ...described,
    ownSignIn: { ...ownSignIn, issuerParameter: false },
  })
  assert.equal(silent.authorization_response_iss_parameter_supported, false)
})

test('what there is not is absent, never null, and strict parsers take every document', () => {
  const { registrationEndpoint: _none, ...closed } = ownSignIn
  for (const variant of [
    described,
    { ...described, scopes: [] },
    { ...described, ownSignIn },
    { ...described, ownSignIn: { ...closed, clientMetadataDocuments: false } },
  ]) {
    const metadata = authorizationServerMetadata(variant)
    const sent = JSON.parse(JSON.stringify(metadata))
    assert.deepEqual(sent, metadata)
    for (const value of Object.values(sent)) assert.ok(value !== null && value !== undefined)
    assert.deepEqual(OAuthMetadataSchema.parse(sent), sent)
    OpenIdProviderDiscoveryMetadataSchema.parse(sent)
  }
  const bare = authorizationServerMetadata({
    ...described,
    scopes: [],
    ownSignIn: { ...closed, clientMetadataDocuments: false },
  })
  for (const name of [
    'scopes_supported',
    'registration_endpoint',
    'client_id_metadata_document_supported',
  ]) {
    assert.equal(name in bare, false, name)
  }
})

test('the first resource has our origin as issuer, every further one an issuer of its own', () => {
  const publicUrl = 'https://mcp.example.com'
  assert.deepEqual(ownEndpoints({ publicUrl, name: 'prod', isFirst: true }), {
    issuer: publicUrl,
    authorize: `${publicUrl}/oauth/authorize`,
    token: `${publicUrl}/oauth/token`,
    register: `${publicUrl}/oauth/register`,
    revoke: `${publicUrl}/oauth/revoke`,
  })
  assert.deepEqual(ownEndpoints({ publicUrl, name: 'dev', isFirst: false }), {
    issuer: `${publicUrl}/oauth/dev`,
    authorize: `${publicUrl}/oauth/dev/authorize`,
    token: `${publicUrl}/oauth/dev/token`,
    register: `${publicUrl}/oauth/dev/register`,
    revoke: `${publicUrl}/oauth/dev/revoke`,
  })
  assert.equal(sharedTokenEndpoint(publicUrl), `${publicUrl}/oauth/token`)
})

test('a document is at three forms of the issuer and of the resource, each path once', () => {
  assert.deepEqual(authorizationServerMetadataPaths('https://mcp.example.com', '/mcp'), [
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/mcp',
    '/.well-known/openid-configuration/mcp',
    '/mcp/.well-known/openid-configuration',
  ])
  assert.deepEqual(authorizationServerMetadataPaths('https://mcp.example.com/oauth/dev', '/a/b'), [
    '/.well-known/oauth-authorization-server/oauth/dev',
    '/.well-known/openid-configuration/oauth/dev',
    '/oauth/dev/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/a/b',
    '/.well-known/openid-configuration/a/b',
    '/a/b/.well-known/openid-configuration',
  ])
})
