import type { TestContext } from 'node:test'
import { type Browser, createBrowser, type Visitor } from '../../environment/browser.ts'
import {
  type OidcGateway,
  type OidcGatewayOptions,
  startOidcGateway,
} from '../../support/oidc-gateway.ts'
import type { Keycloak } from './keycloak.ts'
import { type Person, REALM, SECRET } from './realm.ts'

/** The Keycloak that all tests of this process share. */
export type TheKeycloak = () => Keycloak

export function issuerOf({ origin }: Keycloak): string {
  return `${origin}/realms/${REALM}`
}

/** A browser that trusts Keycloak's certificate. */
export function browserFor({ fetch }: Keycloak): Browser {
  return createBrowser(fetch)
}

/** A person who types their password. */
export function visitor(person: Person): Visitor {
  const typed = { username: person, password: `${person}-pw`, credentialId: '' }
  return { username: person, typed }
}

/** The file of this name holds Keycloak's authority. */
const authorityFile = '/etc/rolecall/keycloak.crt'

/** What a rolecall is told of this Keycloak, with one of its clients. */
export function optionsFor(
  keycloak: Keycloak,
  over: Partial<OidcGatewayOptions> = {},
): OidcGatewayOptions {
  return {
    issuer: issuerOf(keycloak),
    upstream: 'http://127.0.0.1:9/mcp',
    files: { [authorityFile]: keycloak.certificateAuthority },
    ...over,
    identityProvider: {
      client_secret: SECRET,
      certificate_authority_file: authorityFile,
      groups_claim: 'groups',
      ...over.identityProvider,
    },
  }
}

/** Starts a rolecall in this process. */
export function startRolecall(
  t: TestContext,
  keycloak: Keycloak,
  over: Partial<OidcGatewayOptions> = {},
): Promise<OidcGateway> {
  return startOidcGateway(t, optionsFor(keycloak, over))
}
