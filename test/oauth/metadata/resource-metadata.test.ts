import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  resourceMetadata,
  resourceMetadataPaths,
  resourceMetadataUrl,
} from '../../../src/oauth/metadata/resource-metadata.ts'

const described = {
  publicUrl: 'https://mcp.example.com',
  path: '/mcp',
  name: 'prod',
  authorizationServer: 'https://login.example.com/v2.0',
  scopes: ['a/.default', 'openid'],
}

test('the document names the exact URL, the issuer, the scopes and the header method', () => {
  assert.deepEqual(resourceMetadata(described), {
    resource: 'https://mcp.example.com/mcp',
    authorization_servers: ['https://login.example.com/v2.0'],
    scopes_supported: ['a/.default', 'openid'],
    bearer_methods_supported: ['header'],
    resource_name: 'rolecall: prod',
  })
})

test('the name says what the resource is, where that is configured', () => {
  const { resource_name: name } = resourceMetadata({ ...described, description: 'Europe' })
  assert.equal(name, 'rolecall: prod, Europe')
})

test('without scopes the document names none', () => {
  assert.equal('scopes_supported' in resourceMetadata({ ...described, scopes: [] }), false)
})

test('the well-known part goes between origin and path', () => {
  assert.equal(
    resourceMetadataUrl('https://mcp.example.com', '/a/b'),
    'https://mcp.example.com/.well-known/oauth-protected-resource/a/b',
  )
})

test('only the first resource answers without its path', () => {
  assert.deepEqual(resourceMetadataPaths('/mcp', true), [
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-protected-resource',
  ])
  assert.deepEqual(resourceMetadataPaths('/dev', false), [
    '/.well-known/oauth-protected-resource/dev',
  ])
})
