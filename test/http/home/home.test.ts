import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderHome } from '../../../src/http/home/home.ts'
import { DEFAULTS, RESOURCE_DEFAULTS } from '../../support/defaults.ts'

test('a resource is described by its description, as text', () => {
  const described = { ...RESOURCE_DEFAULTS, description: 'Europe <production>' }
  const page = renderHome({ ...DEFAULTS, resources: [described] })
  assert.match(page, /<h2>prod<\/h2>\n<p>Europe &lt;production&gt;<\/p>/)
  assert.doesNotMatch(renderHome(DEFAULTS), /<h2>prod<\/h2>\n<p>undefined/)
})
