/** One thing of which a caller can send or hold more, and where that ends. */
export interface Bound {
  /** Of what there is a number. */
  readonly what: string
  readonly holder: 'request' | 'address' | 'user' | 'sign-in' | 'process'
  /** The setting whose value is the bound; its default is shown. */
  readonly setting?: string
  /** The bound, where no setting says it. */
  readonly fixed?: string
  /** What a caller meets beyond it. */
  readonly beyond: string
}

/**
 * Everything that one caller can hold or have done, with its number: nothing that arrives from outside
 * has no end (denial of service). Where there is no setting, the code has the number.
 */
export const bounds: readonly Bound[] = [
  { what: 'bytes of headers', holder: 'request', setting: 'limits.header_bytes', beyond: '431' },
  { what: 'lines of headers', holder: 'request', fixed: '200', beyond: '431' },
  {
    what: 'time for the headers',
    holder: 'request',
    setting: 'limits.header_timeout',
    beyond: '408',
  },
  { what: 'bytes of the body', holder: 'request', setting: 'limits.body_bytes', beyond: '413' },
  {
    what: 'bytes that are read of a body after its refusal',
    holder: 'request',
    fixed: '262,144',
    beyond: 'the connection is closed after the answer',
  },
  { what: 'bytes of a form at `/oauth/*`', holder: 'request', fixed: '65,536', beyond: '413' },
  { what: 'bytes of a registration', holder: 'request', fixed: '16,384', beyond: '413' },
  { what: 'time for the body', holder: 'request', setting: 'limits.body_timeout', beyond: '408' },
  {
    what: 'messages of a batch',
    holder: 'request',
    setting: 'limits.batch_messages',
    beyond: '400',
  },
  {
    what: 'time until the upstream answers',
    holder: 'request',
    setting: 'resource.*.response_timeout',
    beyond: '504',
  },
  {
    what: 'time to connect to the upstream',
    holder: 'request',
    setting: 'resource.*.connect_timeout',
    beyond: '504',
  },
  {
    what: 'time for a code or refresh',
    holder: 'request',
    fixed: '10 s',
    beyond: '503 with Retry-After',
  },
  {
    what: 'registrations in a minute',
    holder: 'address',
    setting: 'limits.registrations_per_minute',
    beyond: '429 with Retry-After',
  },
  {
    what: 'sign-in requests in a minute',
    holder: 'address',
    setting: 'limits.sign_ins_per_minute',
    beyond: '429 with Retry-After',
  },
  {
    what: 'refreshes of one session in a minute',
    holder: 'user',
    setting: 'limits.sign_ins_per_minute',
    beyond: '429 with Retry-After',
  },
  {
    what: 'calls at once at one resource',
    holder: 'user',
    setting: 'limits.calls_per_user',
    beyond: '“refused by policy”, with when to come back',
  },
  {
    what: 'streams at once at one resource',
    holder: 'user',
    setting: 'limits.streams_per_user',
    beyond: '429 with Retry-After',
  },
  {
    what: 'a stream after its token ended',
    holder: 'user',
    fixed: '60 s',
    beyond: 'the stream ends',
  },
  {
    what: 'a call after its token ended',
    holder: 'user',
    fixed: '10 min',
    beyond: 'the call is cut',
  },
  {
    what: 'an answer that the client does not read',
    holder: 'user',
    fixed: '60 s',
    beyond: 'the call is cut',
  },
  {
    what: 'pending sign-ins of one browser',
    holder: 'sign-in',
    fixed: '10',
    beyond: 'the oldest is dropped',
  },
  {
    what: 'time from authorize to callback',
    holder: 'sign-in',
    fixed: '10 min',
    beyond: 'the sign-in begins again',
  },
  { what: 'life of a code', holder: 'sign-in', fixed: '60 s', beyond: '`invalid_grant`' },
  {
    what: 'life of a session',
    holder: 'sign-in',
    setting: 'sign_in.session_lifetime',
    beyond: '`invalid_grant`',
  },
  {
    what: 'characters of a registered client id',
    holder: 'sign-in',
    fixed: '1,000',
    beyond: '400',
  },
  {
    what: 'client connections',
    holder: 'process',
    setting: 'limits.connections',
    beyond: '503 with Retry-After',
  },
  {
    what: 'idle time of a connection',
    holder: 'process',
    setting: 'keep_alive',
    beyond: 'the connection is closed',
  },
  {
    what: 'bytes of request bodies held at once',
    holder: 'process',
    setting: 'limits.buffered_bytes',
    beyond: '503 with Retry-After',
  },
  {
    what: 'of these, bodies of one user',
    holder: 'user',
    fixed: 'one part in 4, or one body of `limits.body_bytes` where that is more',
    beyond: '503 with Retry-After',
  },
  {
    what: 'of these, bodies of requests that nobody has authenticated',
    holder: 'process',
    fixed: 'one part in 4',
    beyond: '503 with Retry-After',
  },
  {
    what: 'connections to the admin port',
    holder: 'process',
    fixed: '100',
    beyond: '503 with Retry-After',
  },
  {
    what: 'bytes of log lines that wait for a reader that stands still',
    holder: 'process',
    fixed: '8 MiB of request lines, 16 MiB with audit lines',
    beyond: 'request lines are left out first, counted and told',
  },
  {
    what: 'code redemptions at the provider at once',
    holder: 'process',
    fixed: '64',
    beyond: '503 with Retry-After',
  },
  {
    what: 'refreshes at the provider at once',
    holder: 'process',
    fixed: '256',
    beyond: '503 with Retry-After',
  },
  {
    what: 'fetches for an unknown key',
    holder: 'process',
    fixed: '1 in 30 s',
    beyond: '503 with Retry-After',
  },
  {
    what: 'verified tokens that are remembered',
    holder: 'process',
    fixed: '10,000, and 64 MiB',
    beyond: 'the least used is read again, and its signature is not checked again',
  },
  {
    what: 'signatures that are remembered',
    holder: 'process',
    fixed: '100,000',
    beyond: 'the least used is forgotten, and its token is verified again',
  },
  {
    what: 'opened sealed tokens that are remembered',
    holder: 'process',
    fixed: '10,000, and 64 MiB',
    beyond: 'the least used is forgotten, and opened again',
  },
  {
    what: 'metadata documents that are kept',
    holder: 'process',
    fixed: '500',
    beyond: 'the least used is forgotten, and fetched again',
  },
  {
    what: 'metadata documents fetched at once',
    holder: 'process',
    fixed: '10',
    beyond: '503 with Retry-After',
  },
  {
    what: 'what sign-in keeps without `[store]`',
    holder: 'process',
    fixed: '16,000,000 characters of each kind',
    beyond: 'the least used is forgotten',
  },
]
