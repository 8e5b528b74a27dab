/** One red pixel. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='

/** One silent sample, 8 kHz. */
export const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA=='

/** The elicitation that shows every kind of default (SEP-1034). */
export const DEFAULTS_FORM = {
  type: 'object' as const,
  properties: {
    name: { type: 'string' as const, default: 'John Doe' },
    age: { type: 'integer' as const, default: 30 },
    score: { type: 'number' as const, default: 95.5 },
    status: {
      type: 'string' as const,
      enum: ['active', 'inactive', 'pending'],
      default: 'active',
    },
    verified: { type: 'boolean' as const, default: true },
  },
}

const titled = (values: readonly string[]) =>
  values.map((value) => ({ const: value, title: `The ${value}` }))

/** The elicitation that shows every kind of choice (SEP-1330). */
export const CHOICES_FORM = {
  type: 'object' as const,
  properties: {
    untitledSingle: { type: 'string' as const, enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string' as const, oneOf: titled(['value1', 'value2', 'value3']) },
    legacyEnum: {
      type: 'string' as const,
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: {
      type: 'array' as const,
      items: { type: 'string' as const, enum: ['option1', 'option2', 'option3'] },
    },
    titledMulti: {
      type: 'array' as const,
      items: { anyOf: titled(['value1', 'value2', 'value3']) },
    },
  },
}

export const USER_FORM = {
  type: 'object' as const,
  properties: { username: { type: 'string' as const }, email: { type: 'string' as const } },
  required: ['username', 'email'],
}

/** A schema whose keywords a server must not lose (SEP-1613, SEP-2106). */
export const SCHEMA_2020_12 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object' as const,
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}

const region: Record<string, string> = { type: 'string', 'x-mcp-header': 'Region' }

/** A parameter that clients repeat in the header `Mcp-Param-Region` (SEP-2243). */
export const REGION_SCHEMA = {
  type: 'object' as const,
  properties: { region },
  required: ['region'],
}

/** What a tool may answer, for both SDKs. */
export const CONTENT = {
  test_simple_text: [
    { type: 'text' as const, text: 'This is a simple text response for testing.' },
  ],
  test_image_content: [{ type: 'image' as const, data: PNG, mimeType: 'image/png' }],
  test_audio_content: [{ type: 'audio' as const, data: WAV, mimeType: 'audio/wav' }],
  test_embedded_resource: [
    {
      type: 'resource' as const,
      resource: {
        uri: 'test://embedded-resource',
        mimeType: 'text/plain',
        text: 'This is an embedded resource content.',
      },
    },
  ],
  test_multiple_content_types: [
    { type: 'text' as const, text: 'Multiple content types test:' },
    { type: 'image' as const, data: PNG, mimeType: 'image/png' },
    {
      type: 'resource' as const,
      resource: {
        uri: 'test://mixed-content-resource',
        mimeType: 'application/json',
        text: '{"test":"data","value":123}',
      },
    },
  ],
}
