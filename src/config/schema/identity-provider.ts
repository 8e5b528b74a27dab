import * as z from 'zod'
import { readBaseUrl, readDiscoveryUrl, readIssuer } from '../urls/url.ts'
import { textAs } from '../value-error.ts'
import { duration, longest } from './duration.ts'
import { readTenantId, signingAlgorithms } from './identifiers.ts'
import { emptyMeansNone, exact, named, secret } from './text.ts'

/** `[identity_provider]`: the one provider of this process. */
export const identityProviderSchema = z
  .strictObject({
    kind: z.enum(['entra', 'oidc']).optional().meta({
      description:
        'Which kind of provider: Microsoft Entra ID, or any OpenID Connect issuer. Default: `entra` with a `tenant_id`, `oidc` with an `issuer`.',
    }),
    tenant_id: textAs(readTenantId)
      .optional()
      .meta({
        description:
          'entra: the Directory (tenant) ID, a GUID. Tokens of every other tenant are refused.',
        examples: ['00000000-0000-0000-0000-000000000000'],
      }),
    cloud: z.enum(['public', 'usgov', 'china']).optional().meta({
      description: 'entra: the national cloud. Default: `public`.',
    }),
    authority: textAs(readBaseUrl)
      .optional()
      .meta({
        description:
          "entra: another base URL in place of the cloud's (a mock, a regional endpoint). The v2 issuer is then the one its discovery names, the v1 issuer stays the cloud's. Plain http only on loopback.",
        examples: ['http://localhost:8089'],
      }),
    issuer: textAs(readIssuer)
      .optional()
      .meta({
        description:
          'oidc: the issuer, exactly as its discovery document writes it. Plain http only on loopback.',
        examples: ['https://idp.example.com/realms/main'],
      }),
    discovery_url: textAs(readDiscoveryUrl)
      .optional()
      .meta({
        description:
          'oidc: the address of the discovery document, where it is not fetched from the issuer (Keycloak by its name inside the cluster). The document must still name `issuer`. Here, and for the addresses in that document, plain http is taken on loopback and to cluster-internal names.',
        examples: [
          'http://keycloak.keycloak.svc:8080/realms/main/.well-known/openid-configuration',
        ],
      }),
    client_id: exact('Write the one id that rolecall has at the provider.').optional().meta({
      description:
        'The client id of rolecall at the provider; required in broker and relay. With it, only tokens issued to this client are accepted unless `allowed_clients` says otherwise.',
    }),
    ...secret('client_secret', z.string(), {
      description:
        'The client secret at the provider. Alternatives: `client_certificate_file`, `federated_token_file`; with none of them rolecall is a public client.',
      examples: [`\${MCP_OAUTH_CLIENT_SECRET}`],
    }),
    client_certificate_file: z.string().optional().meta({
      description:
        'A PEM certificate in place of a secret (`private_key_jwt`), with `client_key_file`.',
    }),
    client_key_file: z.string().optional().meta({
      description: 'The PEM key of `client_certificate_file`.',
    }),
    federated_token_file: z.string().optional().meta({
      description:
        'A token of the workload (AKS workload identity) in place of a secret; read again for every use.',
    }),
    client_secret_method: z.enum(['post', 'basic']).optional().meta({
      description:
        'How the secret is sent. Default: `post`, or `basic` where discovery offers nothing else.',
    }),
    authorize_parameters: z
      .record(z.string(), z.string())
      .prefault({})
      .meta({
        description: "broker: further parameters of the provider's authorize request.",
        examples: [{ prompt: 'select_account' }],
      }),
    resolve_groups: z.boolean().optional().meta({
      description:
        'entra: whether groups that a token leaves out for their number (more than 200) are asked of Microsoft Graph, with the user\'s own token, at sign-in and at each refresh: those that `required_groups` and tool rules name. Needs `sign_in.tokens = "sealed"`, offline_access in `request_scopes`, and the delegated permission User.Read of Microsoft Graph. Default: `false`.',
    }),
    user_claim: z.string().optional().meta({
      description:
        'The claim with the name by which the cluster knows a user. Default: entra `upn`, else `oid`; oidc `preferred_username`, else `sub`. Set, and not `sub`, it also names the users of a provider whose tokens have no `sub` (AD FS: `upn`).',
    }),
    groups_claim: emptyMeansNone(
      z.string().prefault('groups'),
      'The claim with the groups of the user. `""`: no user has groups.',
    ),
    client_claim: named.optional().meta({
      description:
        'The claim that names the client of a token. Default: entra `appid`, `azp`; oidc `azp`, `client_id`, `cid` (Okta), `appid` (AD FS); all that are there must agree.',
      examples: ['cid'],
    }),
    certificate_authority_file: z.string().optional().meta({
      description:
        "PEM certificates: the only authorities trusted for the provider. Absent: the system's.",
    }),
    signing_algorithms: z
      .array(z.enum(signingAlgorithms))
      .min(1)
      .prefault(['RS256'])
      .meta({ description: 'The algorithms that a token may be signed with; asymmetric only.' }),
    stale_for: duration({ most: longest }).prefault('24h').meta({
      description:
        'How long keys and discovery outlive an outage of the provider, from the last good fetch.',
    }),
  })
  .prefault({})
  .meta({
    description:
      'The identity provider, whose tokens are accepted. One per process; a second provider needs a second rolecall.',
  })
