import type { ProtectedResource } from '../../config/config.ts'
import { protectedResources } from '../../config/protected-resources.ts'
import type { Problem } from '../../config/report/problem.ts'
import type { Configuration } from '../configuration.ts'
import { fleetChecks } from '../fleet/fleet-checks.ts'
import { type ApiServer, apiServerCheck, tokenChecks } from '../given-token/token-checks.ts'
import { toolRulesChecks } from '../given-token/tool-rules-checks.ts'
import { credentialChecks } from './credential.ts'
import { graphChecks } from './graph.ts'
import type { Progress } from './progress.ts'
import { clockCheck, examineProvider } from './provider.ts'
import { documentChecks, isDiscovered } from './provider-documents.ts'
import { publicUrlChecks } from './public-url.ts'
import { redirectUriChecks } from './redirect-uris.ts'
import { consequenceOf, type DoctorCheck, inOrder } from './report.ts'
import { upstreamChecks } from './resource.ts'
import { storeChecks } from './store.ts'

/** What is asked about beside the configuration. */
export interface Given {
  readonly token?: string
  readonly apiServer?: ApiServer
}

/** Every check of one configuration, cause before consequence, and one cause once. */
export async function examine(
  { config, warnings }: Configuration,
  { token, apiServer }: Given,
  { during }: Progress,
): Promise<readonly DoctorCheck[]> {
  const examined = await during('identity provider', examineProvider(config))
  const { provider, heard, close } = examined
  const about = { config, provider }
  const each = <R extends ProtectedResource, T>(
    what: string,
    resources: readonly R[],
    ask: (resource: R) => Promise<T>,
  ) => Promise.all(resources.map((one) => during(`${what} of ${one.name}`, ask(one))))
  const asked = each('upstream', config.resources, (one) => upstreamChecks(one, about))
  try {
    const [
      credential,
      graph,
      redirects,
      store,
      upstreams,
      addresses,
      tokens,
      rules,
      fleet,
      cluster,
    ] = await Promise.all([
      during('credential', credentialChecks(config, examined, Date.now())),
      during('Microsoft Graph', graphChecks(about)),
      during('redirect URIs', redirectUriChecks(config, examined)),
      during('store', storeChecks(config)),
      asked,
      each('public_url', protectedResources(config), (one) => publicUrlChecks(one, config)),
      token === undefined ? [] : tokenChecks(token, about),
      token === undefined
        ? []
        : each('tools', config.resources, (one) => toolRulesChecks(token, one, about)),
      asked.then((checks) => during('fleet', fleetChecks(token, about, checks.flat()))),
      token === undefined || apiServer === undefined
        ? []
        : during('API server', apiServerCheck(token, apiServer, about)),
    ])
    return onceEach(
      inOrder([
        ...configurationChecks(warnings),
        ...documentChecks(examined, config),
        clockCheck(heard.clockOffset, isDiscovered(examined)),
        ...[
          credential,
          graph,
          redirects,
          store,
          ...upstreams,
          ...addresses,
          tokens,
          ...rules,
          withoutKnown(fleet, rules.flat()),
          cluster,
        ].flat(),
      ]),
    )
  } finally {
    close()
  }
}

/** A cluster whose rules were judged at its own path is not told of again. */
function withoutKnown(
  fleet: readonly DoctorCheck[],
  rules: readonly DoctorCheck[],
): readonly DoctorCheck[] {
  const known = rules.map(({ resource }) => resource)
  return fleet.filter(({ name, resource }) => name !== 'tool rules' || !known.includes(resource))
}

/** The same trouble met in two ways is told where it was met first. */
function onceEach(checks: readonly DoctorCheck[]): readonly DoctorCheck[] {
  return checks.map((check, index) => {
    if (check.verdict !== 'failed') return check
    const { name, sentence, remedy } = check
    const cause = checks
      .slice(0, index)
      .find(
        (one) =>
          one.verdict === 'failed' &&
          one.name !== name &&
          one.sentence === sentence &&
          one.remedy === remedy,
      )
    return cause ? { ...check, ...consequenceOf(cause.name) } : check
  })
}

function configurationChecks(warnings: readonly Problem[]): readonly DoctorCheck[] {
  const name = 'configuration'
  if (warnings.length === 0) return [{ name, verdict: 'ok', sentence: 'It has no warnings.' }]
  return warnings.map(({ key, message, remedy, excludesAll }) => {
    const verdict = excludesAll ? 'failed' : 'warning'
    return { name, verdict, sentence: `${key} ${message}.`, remedy }
  })
}
