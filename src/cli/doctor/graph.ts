import { systemClock } from '../../clock.ts'
import { providerFetchOptions } from '../../issuer/provider-connection.ts'
import { createBoundedFetch } from '../../net/bounded-fetch.ts'
import { asDocumentError } from '../../net/document-error.ts'
import type { DoctorCheck } from './report.ts'
import type { Examined } from './resource.ts'

/**
 * Whether Microsoft Graph can be reached, where `resolve_groups` asks it for the groups of users; it is
 * asked without a token. Not checked: what the app may read there, which takes a user's sign-in.
 */
export async function graphChecks({ config, provider }: Examined): Promise<DoctorCheck[]> {
  const url = provider.graphUrl()
  if (url === undefined) return []
  const connection = createBoundedFetch(providerFetchOptions(config.identity_provider, systemClock))
  const name = 'Microsoft Graph' as const
  try {
    const init = { method: 'GET', headers: {}, body: null, redirect: 'manual' } as const
    await connection.fetch(`${url}/v1.0/me`, init)
    return [{ name, verdict: 'ok', sentence: `${url} answers.` }]
  } catch (error) {
    return [
      {
        name,
        verdict: 'failed',
        sentence: `${asDocumentError(error).message}: users whose tokens leave out their groups cannot sign in where a group is required.`,
        remedy:
          'Let rolecall reach it (network policy, HTTPS_PROXY), or remove identity_provider.resolve_groups.',
      },
    ]
  } finally {
    connection.close()
  }
}
