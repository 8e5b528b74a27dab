import type { Judgement } from './judgement.ts'

/**
 * Refuses what parses but has no code behind it in this version: mode broker and, with it, sealed
 * tokens. Issue 6 deletes this file and its one call.
 */
export function refuseNotBuilt({ settings, draft, report, mode }: Judgement): void {
  const { mode: written, tokens } = settings.sign_in
  if (mode === 'broker') {
    const why = written === undefined ? ' (the default with a client_id)' : ''
    report.wrong(
      draft,
      ['sign_in', 'mode'],
      `is "broker"${why}, which is not built in this version`,
      'Write sign_in.mode = "relay": clients such as HolmesGPT sign in at the identity provider, and rolecall redeems and refreshes for them with its credential. Or "off": rolecall only validates tokens and forwards.',
    )
  }
  if (mode === 'relay' && tokens === 'sealed') {
    report.wrong(
      draft,
      ['sign_in', 'tokens'],
      'is "sealed", which is not built in this version',
      'Write tokens = "passthrough", or remove it: clients get the token of the identity provider.',
    )
  }
}
