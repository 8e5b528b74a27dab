import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { aksServerId, holmes } from '../../environment/mock-entra/directory.ts'
import { type MockEntra, startMockEntra } from '../../environment/mock-entra/mock-entra.ts'
import { freePort } from '../../environment/ports.ts'
import { FLEET_PATH, type ProxyProcess, startProxy } from '../../environment/proxy-process.ts'
import { packageVersion } from '../support/package-version.ts'
import { type AuthorizationRun, runAuthorization } from './authorization.ts'
import { compareRuns, lossesAtFleet } from './compare.ts'
import { fleetAdapter } from './fleet-adapter.ts'
import { startHop } from './hop.ts'
import { MEANT_AT_FLEET } from './meant-at-fleet.ts'
import { type Comparison, describe, describeLoss, report } from './report.ts'
import { TESTED_SERVERS, type TestedServer } from './servers.ts'
import { REVISIONS, type Revision, runSuite, type SuiteRun } from './suite.ts'

const PAGE = fileURLToPath(new URL('../conformance.md', import.meta.url))

/** The cluster of the fleet that is asked. */
const CLUSTER = 'tested'

/** Where rolecall writes its configuration and its log, for the time of the run. */
interface Place {
  readonly entra: MockEntra
  readonly folder: string
}

async function compareAll(place: Place): Promise<Comparison[]> {
  const comparisons: Comparison[] = []
  for (const server of TESTED_SERVERS) comparisons.push(...(await compareServer(server, place)))
  return comparisons
}

async function compareServer(tested: TestedServer, place: Place): Promise<Comparison[]> {
  const token = await place.entra.mint({ person: 'alice', client: holmes.client_id })
  const server = await tested.start(place.entra)
  const proxy = await startRolecall(server.url, place)
  const behindProxy = await startHop(proxy.url, token)
  const fleetUrl = proxy.publicUrl + FLEET_PATH
  const behindFleet = await startHop(fleetUrl, token, fleetAdapter(CLUSTER))
  const direct = tested.wantsBearer ? await startHop(server.url, token) : undefined
  const comparisons: Comparison[] = []
  try {
    for (const revision of REVISIONS) {
      comparisons.push({
        server: tested.name,
        revision,
        direct: await runSuite(direct?.url ?? server.url, revision),
        proxied: await runSuite(behindProxy.url, revision),
        ...(tested.inFleet.includes(revision) && {
          fleet: await runSuite(behindFleet.url, revision),
        }),
      })
    }
  } finally {
    direct?.close()
    behindProxy.close()
    behindFleet.close()
    await proxy.close()
    await server.close()
  }
  return comparisons
}

/** rolecall's own command, as anybody would start it. */
async function startRolecall(upstream: string, { entra, folder }: Place): Promise<ProxyProcess> {
  const log = createWriteStream(join(folder, 'rolecall.log'), { flags: 'a' })
  await once(log, 'open')
  const { tenantId, origin: authority } = entra
  return startProxy({
    folder,
    mode: 'off',
    port: await freePort(),
    adminPort: await freePort(),
    identityProvider: { tenantId, authority, clientId: holmes.client_id },
    upstream,
    resource: CLUSTER,
    fleet: [{ name: 'other', description: 'The same once more', upstream }],
    audience: aksServerId,
    log,
  })
}

/** What is wrong, one line each; nothing when all is well. */
function problemsOf({ server, revision, direct, proxied, fleet }: Comparison): string[] {
  const tested = TESTED_SERVERS.find(({ name }) => name === server)
  const mustConform = tested?.conformsTo.includes(revision) ?? false
  return [
    ...compareRuns(direct, proxied).map((it) => `${server}, ${revision}: ${describe(it)}`),
    ...(fleet === undefined ? [] : lossesAtFleet(direct, fleet, MEANT_AT_FLEET))
      .filter(({ reason }) => reason === undefined)
      .map((it) => `${server}, ${revision}: ${describeLoss(it)}`),
    ...(mustConform ? failuresOf(direct, revision) : []).map(
      (words) => `${server} itself does not conform: ${words}`,
    ),
  ]
}

function failuresOf({ isConformant, scenarios }: SuiteRun, revision: Revision): string[] {
  if (isConformant) return []
  const failed = [...scenarios].flatMap(([scenario, checks]) =>
    checks
      .filter(({ status }) => status === 'FAILURE')
      .map(({ id, reason }) => `${revision}, ${scenario}, ${id}: ${reason ?? 'no reason'}`),
  )
  return failed.length > 0 ? failed : [`${revision}: the suite says so and names no check`]
}

function authorizationProblems({ server, client, run }: AuthorizationRun): string[] {
  const checks = [...run.scenarios].flatMap(([scenario, made]) =>
    made.map((check) => ({ ...check, scenario })),
  )
  return checks
    .filter(({ status }) => status !== 'SUCCESS')
    .map(
      ({ scenario, id, status, reason }) =>
        `authorization server ${server}, client ${client}: ${scenario}, ${id}: ${reason ?? status}`,
    )
}

async function main(): Promise<number> {
  const entra = await startMockEntra()
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-conformance-'))
  try {
    const comparisons = await compareAll({ entra, folder })
    const authorizations = await runAuthorization(entra)
    const page = report(
      comparisons,
      authorizations,
      packageVersion('@modelcontextprotocol/conformance'),
    )
    await writeFile(PAGE, page)
    console.log(page)
    const problems = [
      ...comparisons.flatMap(problemsOf),
      ...authorizations.flatMap(authorizationProblems),
    ]
    for (const problem of problems) console.error(problem)
    return problems.length > 0 ? 1 : 0
  } finally {
    await entra.close()
    await rm(folder, { recursive: true, force: true })
  }
}

process.exitCode = await main()
