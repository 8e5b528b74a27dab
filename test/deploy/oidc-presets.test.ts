import { after, before, type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { createBrowser, type Visitor } from '../environment/browser.ts'
import type { Cluster } from '../environment/cluster/cluster.ts'
import { type ClusterContents, clusterContents } from '../environment/cluster/contents.ts'
import { startRealCluster } from '../environment/cluster/real/real.ts'
import type { Send } from '../environment/trusting-fetch.ts'
import * as dex from '../idp/dex/configuration.ts'
import { startDex } from '../idp/dex/dex.ts'
import { findDex } from '../idp/dex/distribution.ts'
import { visitor as dexVisitor } from '../idp/dex/world.ts'
import { findKeycloak } from '../idp/keycloak/distribution.ts'
import { type Keycloak, startKeycloak } from '../idp/keycloak/keycloak.ts'
import * as keycloakRealm from '../idp/keycloak/realm.ts'
import { issuerOf, visitor as keycloakVisitor } from '../idp/keycloak/world.ts'
import { assertSeesOwnPods } from '../idp/support/own-pods.ts'
import { userContents } from '../idp/support/user-contents.ts'
import { whenThere } from '../idp/support/when-there.ts'
import { onRealCluster } from '../real/availability.ts'
import { signIn } from '../support/broker-client.ts'
import { startRedis } from '../support/redis-server.ts'
import { withHelm } from './support/availability.ts'
import { renderChart } from './support/helm.ts'
import { runInstallation } from './support/installed.ts'
import { mountedInstallation } from './support/mounted.ts'
import { filledIn, filledPreset, presetFile } from './support/presets.ts'

type Person = 'alice' | 'bob' | 'carol'
const people: readonly Person[] = ['alice', 'bob', 'carol']

/** A real provider, and what is written into presets and files for it. */
interface Provider {
  readonly issuer: string
  readonly certificateAuthority: string
  readonly fetch: Send
  readonly secret: string
  readonly written: Readonly<Record<string, string>>
  visitor(person: Person): Visitor
}

/** Runs a preset as it is, but for where the provider and the cluster are. */
async function install(
  t: TestContext,
  preset: string,
  { provider, cluster }: { readonly provider: Provider; readonly cluster: Cluster },
): Promise<string> {
  const authority = { certificateAuthority: { existingConfigMap: 'rolecall-authority' } }
  const { objects } = await renderChart({
    values: [filledPreset(preset, provider.written), JSON.stringify(authority)],
  })
  const { origin } = await runInstallation(t, {
    ...mountedInstallation(objects, {
      'rolecall-authority': { 'ca.crt': provider.certificateAuthority },
      'rolecall-client': { 'client-secret': provider.secret },
      'rolecall-store': { 'redis-url': (await startRedis(t)).url },
    }),
    cluster,
  })
  return origin
}

/** An API server that trusts the provider as one entry of `jwt` in its configuration says. */
async function startTrusting(
  { issuer, certificateAuthority }: Provider,
  authenticator: { readonly issuer: object },
  contents: ClusterContents,
): Promise<Cluster> {
  return await startRealCluster({
    identityProvider: {
      issuer,
      jwksUri: '',
      discoveryUrl: `${issuer}/.well-known/openid-configuration`,
      audience: 'kubernetes',
      tenantId: '',
      certificateAuthority,
    },
    authenticator: { ...authenticator, issuer: { ...authenticator.issuer, certificateAuthority } },
    contents,
  })
}

/** Each signs in and sees their own pods, by the name that the cluster has for them. */
function signsPeopleIn(
  preset: string,
  world: () => { readonly provider: Provider; readonly cluster: Cluster },
  nameInCluster: (person: Person) => string,
): void {
  test(`${preset}: each signs in, and sees what the cluster lets them see`, async (t) => {
    const { provider } = world()
    const origin = await install(t, preset, world())
    for (const person of people) {
      const browser = createBrowser(provider.fetch)
      const { access: token } = await signIn({ origin }, browser, provider.visitor(person))
      await assertSeesOwnPods(`${origin}/mcp`, { person, username: nameInCluster(person), token })
    }
  })
}

interface Trust {
  /** How the API server is told. */
  readonly authenticator: (written: Provider['written']) => { readonly issuer: object }
  /** What stands before every name in that cluster. */
  readonly prefix: string
  readonly presets: readonly string[]
}

const KEYCLOAK: readonly Trust[] = [
  {
    authenticator: (written) => {
      const file = presetFile('structured-authentication/api-server.yaml')
      return (parse(filledIn(file, written)) as { jwt: [{ issuer: object }] }).jwt[0]
    },
    prefix: '',
    presets: ['structured-authentication', 'kind'],
  },
  {
    authenticator: (written) =>
      JSON.parse(filledIn(presetFile('aks-keycloak/jwt-authenticator.json'), written)),
    prefix: 'aks:jwt:keycloak:',
    presets: ['aks-keycloak'],
  },
]

withHelm('presets with Keycloak', () => {
  whenThere('presets with Keycloak', findKeycloak, (folder) => {
    let keycloak: Keycloak
    let provider: Provider

    before(async () => {
      keycloak = await startKeycloak(folder)
      await keycloak.admin.send('POST', '', keycloakRealm.realm())
      const { host } = new URL(keycloak.origin)
      provider = {
        ...keycloak,
        issuer: issuerOf(keycloak),
        secret: keycloakRealm.SECRET,
        written: {
          CLIENT_ID: 'rolecall',
          ISSUER: issuerOf(keycloak).slice('https://'.length),
          KEYCLOAK_HOST: host,
          REALM: keycloakRealm.REALM,
        },
        visitor: keycloakVisitor,
      }
    })
    after(() => keycloak.close())

    for (const { authenticator, prefix, presets } of KEYCLOAK) {
      onRealCluster(presets.join(), () => {
        let cluster: Cluster

        before(async () => {
          const contents = clusterContents({
            'team-a': `${prefix}team-a`,
            'team-b': `${prefix}team-b`,
          })
          cluster = await startTrusting(provider, authenticator(provider.written), contents)
        })
        after(() => cluster.close())

        for (const preset of presets) {
          signsPeopleIn(
            preset,
            () => ({ provider, cluster }),
            (person) => `${prefix}${person}`,
          )
        }
      })
    }
  })
})

withHelm('the preset for dex', () => {
  whenThere('the preset for dex', findDex, (program) => {
    onRealCluster('the preset for dex', () => {
      const toClose: (() => unknown)[] = []
      let world: { readonly provider: Provider; readonly cluster: Cluster }

      before(async () => {
        const started = await startDex(program)
        toClose.push(() => started.close())
        const provider = {
          ...started,
          secret: dex.SECRET,
          written: { CLIENT_ID: dex.CLIENT, DEX_HOST: new URL(started.issuer).host },
          visitor: dexVisitor,
        }
        // As the preset says: --oidc-username-claim=email. Nobody whom dex itself knows is in a group.
        const authenticator = {
          issuer: { url: started.issuer, audiences: [dex.AUDIENCE] },
          claimMappings: { username: { claim: 'email', prefix: '' } },
        }
        const contents = userContents({
          'team-a': dex.addressOf('alice'),
          'team-b': dex.addressOf('bob'),
        })
        const cluster = await startTrusting(provider, authenticator, contents)
        toClose.push(() => cluster.close())
        world = { provider, cluster }
      })
      after(async () => {
        for (const close of toClose.reverse()) await close()
      })

      signsPeopleIn('dex', () => world, dex.addressOf)
    })
  })
})
