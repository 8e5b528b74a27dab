import { isEntraIssuer } from '../../issuer/entra.ts'
import { member, text, texts } from '../../oauth/claims.ts'
import type { JsonObject } from '../../oauth/json.ts'
import { splitScope } from '../../oauth/scope.ts'
import { CLIENT_CLAIMS } from '../client-claims.ts'
import type { ResourcePolicy } from '../policy.ts'

/** What tells the token of an application: one thing that some provider puts there for no user. */
interface Mark {
  /** Ends the sentence "This is a token of an application: …". */
  readonly words: string
  /** The claims that it looks at, for people. */
  readonly claims: readonly string[]
  found(claims: JsonObject, policy: ResourcePolicy): boolean
}

const idtyp: Mark = {
  words: 'its idtyp is app',
  claims: ['idtyp'],
  found: (claims) => texts(claims, 'idtyp').some((it) => it.toLowerCase() === 'app'),
}

/** v2 application tokens carry no `idtyp` unless asked to, so the missing `scp` decides. */
const noDelegation: Mark = {
  words: 'it has no scp, which says what a user lets an application do',
  claims: ['scp'],
  found(claims) {
    const scp = member(claims, 'scp')
    return typeof scp !== 'string' || splitScope(scp).length === 0
  },
}

/** `gty`: Auth0, FusionAuth; `grant_type`: Cloud Foundry UAA. */
const grant: Mark = {
  words: 'it was issued by the client credentials grant',
  claims: ['gty', 'grant_type'],
  found: (claims) =>
    ['gty', 'grant_type']
      .flatMap((name) => texts(claims, name))
      .flatMap((value) => value.toLowerCase().replaceAll('-', '_').split(' '))
      .includes('client_credentials'),
}

/** `aut`: WSO2, whose users' says APPLICATION_USER; `type`: Casdoor, whose users' says normal-user. */
const ownWord: Mark = {
  words: 'it calls itself that of an application',
  claims: ['aut', 'type'],
  found: (claims) =>
    ['aut', 'type']
      .flatMap((name) => texts(claims, name))
      .some((value) => value.toLowerCase() === 'application'),
}

/**
 * Okta, Cognito, Hydra and others: `sub` is the client id. Spring Authorization Server names the client
 * in `aud` alone. Auth0 makes `sub` of it, and ForgeRock writes `(age!…)`, for users `(usr!…)`.
 */
const clientSubject: Mark = {
  words: 'its subject is a client and not a user',
  claims: ['sub', ...CLIENT_CLAIMS],
  found(claims, policy) {
    const sub = text(claims, 'sub')?.toLowerCase()
    if (sub === undefined) return false
    const named = [...CLIENT_CLAIMS, ...policy.clientClaims, 'aud'].flatMap((it) =>
      texts(claims, it),
    )
    const ids = [...named, ...(policy.clientId === undefined ? [] : [policy.clientId])]
    const bare = sub.replace(/^(?:clients?|applications?|apps?)[:/|]/, '').replace(/@clients$/, '')
    if (sub.endsWith('@clients') || sub.startsWith('(age!')) return true
    return ids.some((id) => [sub, bare].includes(id.toLowerCase()))
  },
}

const kubernetesServiceAccount: Mark = {
  words: 'its subject is a service account of Kubernetes',
  claims: ['sub'],
  found: (claims) =>
    text(claims, 'sub')?.startsWith('system:serviceaccount:') === true ||
    Object.hasOwn(claims, 'kubernetes.io'),
}

/**
 * Jobs of GitLab and GitHub Actions, and SPIFFE (JWT-SVID). A job of GitLab gets an ID token with any
 * audience it asks for, by the issuer and key of the users' own.
 */
const workload: Mark = {
  words: 'its subject is a job or a workload and not a user',
  claims: ['sub', 'job_workflow_ref', 'pipeline_id'],
  found: (claims) =>
    /^(?:project_path:|repo:|spiffe:\/\/)/.test(text(claims, 'sub') ?? '') ||
    ['job_workflow_ref', 'pipeline_id'].some((name) => Object.hasOwn(claims, name)),
}

/** Keycloak; Authentik. */
const serviceAccountName: Mark = {
  words: 'its preferred_username is that of a service account',
  claims: ['preferred_username', 'username'],
  found: (claims) =>
    ['preferred_username', 'username']
      .flatMap((name) => texts(claims, name))
      .some((value) => /^service-account-|-client_credentials$/i.test(value)),
}

/** Keycloak, also where its service accounts have no `preferred_username`. */
const clientAddress: Mark = {
  words: 'clientHost and clientAddress are of service accounts of Keycloak',
  claims: ['clientHost', 'clientAddress'],
  found: (claims) => ['clientHost', 'clientAddress'].some((name) => Object.hasOwn(claims, name)),
}

const googleServiceAccount: Mark = {
  words: 'its email is that of a service account of Google',
  claims: ['email'],
  found: (claims) =>
    texts(claims, 'email').some((address) => /\.gserviceaccount\.com$/i.test(address)),
}

/**
 * Entra as a plain OIDC provider: its application tokens have `sub` equal to `oid`, and no `scp`. Many
 * have `roles`; but other providers put `roles` into the tokens of users, so that a token must also look
 * like one of Entra's, or tell nothing of a user at all.
 */
const entraApplication: Mark = {
  words: 'it has no scp, as application tokens of Entra have none',
  claims: ['scp', 'roles', 'azpacr', 'appidacr', 'oid'],
  found(claims, { tokenKind }) {
    const [oid, scp] = [text(claims, 'oid'), text(claims, 'scp')]
    if (hasClientProof(claims) && oid !== undefined && oid === text(claims, 'sub')) return true
    // A broker in between (Keycloak) may copy tid and oid into tokens of its own, which have scope.
    if (tokenKind === 'id_token' || scp !== undefined || Object.hasOwn(claims, 'scope'))
      return false
    if (hasClientProof(claims)) return true
    return Object.hasOwn(claims, 'roles') && (isOfEntra(claims) || !tellsOfUser(claims))
  },
}

/** How a client proved itself, which Entra alone tells. */
function hasClientProof(claims: JsonObject): boolean {
  return Object.hasOwn(claims, 'azpacr') || Object.hasOwn(claims, 'appidacr')
}

function isOfEntra(claims: JsonObject): boolean {
  if (isEntraIssuer(text(claims, 'iss') ?? '')) return true
  return Object.hasOwn(claims, 'tid') && Object.hasOwn(claims, 'oid')
}

/** What only the sign-in of a user brings: a name, or how and when it was (OpenID Connect Core §5.1, §2). */
const USER_CLAIMS = [
  'preferred_username',
  'username',
  'upn',
  'email',
  'name',
  'nickname',
  'given_name',
  'auth_time',
  'amr',
  'sid',
]

function tellsOfUser(claims: JsonObject): boolean {
  return USER_CLAIMS.some((name) => Object.hasOwn(claims, name))
}

const marks: Readonly<Record<ResourcePolicy['kind'], readonly Mark[]>> = {
  entra: [idtyp, noDelegation],
  oidc: [
    idtyp,
    grant,
    ownWord,
    clientSubject,
    kubernetesServiceAccount,
    workload,
    serviceAccountName,
    clientAddress,
    googleServiceAccount,
    entraApplication,
  ],
}

/**
 * What tells that a token is an application's and no user's; ends the sentence "This is a token of an
 * application: …".
 *
 * Not checked, since no claim tells it: providers whose service accounts are users like any other
 * (Zitadel's service users, service accounts of Authentik that use a password).
 *
 * @returns `undefined` for a user's token
 */
export function applicationMark(claims: JsonObject, policy: ResourcePolicy): string | undefined {
  return marks[policy.kind].find((mark) => mark.found(claims, policy))?.words
}

const telling = [
  ...new Set(Object.values(marks).flatMap((list) => list.flatMap((it) => it.claims))),
]

/** Those claims that tell a user's token from an application's, as far as a token has them. */
export function tellingClaims(claims: JsonObject): readonly string[] {
  return telling.filter((name) => Object.hasOwn(claims, name))
}
