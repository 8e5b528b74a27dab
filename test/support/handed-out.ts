import type { Config } from '../../src/config/config.ts'
import { deriveKeys } from '../../src/sealing/derived-keys.ts'
import { accessTokenFormatter } from '../../src/sign-in/sealed/access-token-format.ts'

export const sealingKey = Buffer.alloc(32, 7).toString('base64url')

/**
 * A token of the identity provider as clients of a rolecall with `sealing_keys` hold it: sealed where
 * it seals.
 *
 * @param names of the resources that the sign-in was for; default: all
 * @param client the MCP client that it was handed to
 */
export async function handedOut(
  { config }: { readonly config: Config },
  token: string,
  names?: readonly string[],
  client = 'holmes',
): Promise<string> {
  const { sign_in: signIn, resources, public_url, sealing_keys } = config
  if (signIn.mode === 'off') return token
  if (sealing_keys.length === 0) throw new Error('without sealing_keys nobody else can seal')
  const meant = resources.filter(({ name }) => names?.includes(name) ?? true)
  return accessTokenFormatter({ public_url, sign_in: signIn }, deriveKeys(sealing_keys))(
    token,
    meant,
    { family: 'of-a-test', began: Date.now(), client },
  )
}
