import type { TestContext } from 'node:test'
import { type Browser, createBrowser, type Visitor } from '../../environment/browser.ts'
import {
  type OidcGateway,
  type OidcGatewayOptions,
  startOidcGateway,
} from '../../support/oidc-gateway.ts'
import { AUDIENCE_SCOPE, addressOf, type Person, SECRET } from './configuration.ts'
import type { Dex } from './dex.ts'

/** The dex that all tests of this process share. */
export type TheDex = () => Dex

/** A browser that trusts dex's certificate. */
export function browserFor({ fetch }: Dex): Browser {
  return createBrowser(fetch)
}

/** A person who types their address and password. */
export function visitor(person: Person): Visitor {
  const typed = { login: addressOf(person), password: `${person}-pw` }
  return { username: person, typed }
}

/** What a resource asks dex for, whose tokens go to a cluster. */
export const SCOPES: readonly string[] = ['openid', 'email', 'profile', AUDIENCE_SCOPE]
export const WITH_REFRESH: readonly string[] = [...SCOPES, 'offline_access']

/** The file of this name holds dex's authority. */
const authorityFile = '/etc/rolecall/dex.crt'

/** Starts a rolecall in this process, set up as people need it who feed dex's tokens to a cluster. */
export function startRolecall(
  t: TestContext,
  dex: Dex,
  over: Partial<OidcGatewayOptions> = {},
): Promise<OidcGateway> {
  return startOidcGateway(t, {
    issuer: dex.issuer,
    upstream: 'http://127.0.0.1:9/mcp',
    files: { [authorityFile]: dex.certificateAuthority },
    ...over,
    identityProvider: {
      client_secret: SECRET,
      certificate_authority_file: authorityFile,
      user_claim: 'email',
      ...over.identityProvider,
    },
    resource: { token_kind: 'id_token', request_scopes: WITH_REFRESH, ...over.resource },
  })
}
