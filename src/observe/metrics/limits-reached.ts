/** The settings of `[limits]` that something can be beyond. */
export const limitNames = [
  'header_bytes',
  'body_bytes',
  'header_timeout',
  'registrations_per_minute',
  'sign_ins_per_minute',
  'batch_messages',
  'calls_per_user',
  'streams_per_user',
  'buffered_bytes',
  'connections',
] as const

export type LimitName = (typeof limitNames)[number]

/** By the reason that the log gives for an answer. */
const byReason: Readonly<Record<string, LimitName>> = {
  body_too_large: 'body_bytes',
  registrations_per_minute: 'registrations_per_minute',
  sign_ins_per_minute: 'sign_ins_per_minute',
  batch_messages: 'batch_messages',
  too_many_calls: 'calls_per_user',
  too_many_streams: 'streams_per_user',
  buffered_bytes: 'buffered_bytes',
}

/** The limit that a request was beyond, if that is why it was refused. */
export function limitOf(reason: string): LimitName | undefined {
  return Object.hasOwn(byReason, reason) ? byReason[reason] : undefined
}
