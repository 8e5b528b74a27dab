import type { Config } from '../../config/config.ts'
import { presetOrigins } from '../../sign-in/clients/redirect-uris.ts'

/**
 * Web pages that register and redeem codes themselves: the configured origins, those of popups, and
 * those of the presets.
 */
export function signInOrigins(config: Config): Config {
  const { sign_in: signIn } = config
  if (signIn.mode === 'off') return config
  const further = [...signIn.popup_origins, ...presetOrigins(signIn.redirect_uris)]
  return { ...config, allowed_origins: [...config.allowed_origins, ...further] }
}
