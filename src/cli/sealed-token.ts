import type { TokenOpener } from '../access/token-opener.ts'
import { systemClock } from '../clock.ts'
import type { Config, ProtectedResource } from '../config/config.ts'
import { readJwt } from '../oauth/jwt.ts'
import { deriveKeys } from '../sealing/derived-keys.ts'
import { sealedFor, takesSealedTokens } from '../sign-in/sealed/access-token-format.ts'
import { OpenedTokens } from '../sign-in/sealed/sealed-access-token.ts'
import { EndedSessions } from '../sign-in/sessions/ended-sessions.ts'
import { sessionRefusals } from '../sign-in/sessions/refuse-session.ts'
import { SessionNames } from '../sign-in/sessions/session-names.ts'

/** What a command opens sealed tokens with; nothing where resources take the provider's own. */
export function tokenOpener(resource: ProtectedResource, config: Config): TokenOpener | undefined {
  if (!takesSealedTokens(config.sign_in)) return undefined
  const keys = deriveKeys(config.sealing_keys)
  const refuseSession = sessionRefusals({
    signIn: config.sign_in,
    ended: new EndedSessions(systemClock),
    names: new SessionNames(keys.for('session name')),
  })
  const opened = new OpenedTokens(keys.for('access token'), systemClock)
  return opened.openerFor(sealedFor(resource, config), refuseSession)
}

/**
 * Why only the running rolecall can open what may be a sealed token: it made its keys itself.
 *
 * @returns `undefined` where it can be opened, if it is one
 */
export function whyUnopenable(
  token: string,
  config: Config,
): { readonly sentence: string; readonly remedy: string } | undefined {
  if (!takesSealedTokens(config.sign_in) || config.sealing_keys.length > 0) return undefined
  if (readJwt(token)) return undefined
  return {
    sentence:
      'It cannot be opened here: sealing_keys are not set, so that only the running rolecall has the key.',
    remedy:
      'Run `rolecall keygen > FILE`, write sealing_keys_file = "FILE", restart rolecall and sign in again.',
  }
}
