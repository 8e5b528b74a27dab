import type { EntraErrorRow } from './entra-error-row.ts'

const adminConsent =
  'grant admin consent under API permissions of the app registration, or with az ad app permission admin-consent.'
const registerUnderWeb =
  'move the redirect URI to the platform Web, under Authentication of the app registration.'
const noResource =
  "no client may send resource to Entra; for HolmesGPT set resource: '' in its oauth values."

/** Entra's errors about the app registration, its credential, and what was asked for. */
export const entraAppErrors: readonly EntraErrorRow[] = [
  // The app registration and the tenant.
  {
    codes: [50011],
    what: 'The redirect URI is not registered with the app.',
    whose: 'administrator',
    remedy:
      'add the redirect URI, letter for letter, to the platform Web, under Authentication of the app registration.',
  },
  {
    codes: [500113],
    what: 'The app has no redirect URI at all.',
    whose: 'administrator',
    remedy: 'add one to the platform Web, under Authentication of the app registration.',
  },
  {
    codes: [500112],
    what: 'The code was made for another redirect URI than the one it was redeemed with.',
    whose: 'user',
    remedy: 'sign in again; if that does not help, the client changes its redirect_uri on the way.',
  },
  {
    codes: [90002, 900023],
    what: 'Entra does not know this tenant.',
    whose: 'operator',
    remedy:
      'correct identity_provider.tenant_id, or identity_provider.cloud if the tenant is in a national cloud.',
  },
  {
    codes: [90038, 900382],
    what: 'The tenant is in another national cloud.',
    whose: 'operator',
    remedy: "set identity_provider.cloud to the tenant's: public, usgov or china.",
  },
  {
    codes: [50194],
    what: 'The app belongs to one tenant, and the request did not name that tenant.',
    whose: 'operator',
    remedy: "set identity_provider.tenant_id to the app registration's Directory (tenant) ID.",
  },
  {
    codes: [700016],
    what: 'The tenant has no app with this client id.',
    whose: 'operator',
    remedy:
      'set identity_provider.client_id and identity_provider.tenant_id to the two ids on the Overview of one app registration.',
  },
  {
    codes: [700038],
    what: 'This is not a client id.',
    whose: 'operator',
    remedy:
      "set identity_provider.client_id to the app registration's Application (client) ID, a GUID.",
  },
  {
    codes: [7000112, 70001],
    what: 'The app is disabled, or not installed in this tenant.',
    whose: 'administrator',
    remedy: 'enable it under Enterprise applications > Properties, or grant it admin consent.',
  },
  {
    codes: [500011],
    what: 'The tenant does not have the application that the token is for.',
    whose: 'administrator',
    remedy:
      'for AKS run az ad sp create --id 6dae42f8-4368-4678-94ff-3960e28e3630; for any other correct request_scopes of the resource.',
  },
  {
    codes: [650057, 65005],
    what: 'The app lacks the permission that was asked for.',
    whose: 'administrator',
    remedy:
      'add it under API permissions of the app registration, for AKS: Azure Kubernetes Service AAD Server, user.read; then grant admin consent.',
  },
  {
    codes: [65001],
    what: 'Nobody has consented to what the app asks for.',
    whose: 'administrator',
    remedy: adminConsent,
  },
  {
    codes: [90094, 90095],
    what: 'Only an administrator may consent to what the app asks for.',
    whose: 'administrator',
    remedy: adminConsent,
  },
  {
    codes: [50105],
    what: 'This account is not assigned to the app.',
    whose: 'administrator',
    remedy:
      'assign the account, or a group of it, under Enterprise applications > Users and groups.',
  },

  // What rolecall proves itself with.
  {
    codes: [7000215],
    what: 'The client secret is wrong.',
    whose: 'operator',
    remedy:
      "put the secret's Value, not its Secret ID, into identity_provider.client_secret or client_secret_file.",
  },
  {
    codes: [7000222],
    what: 'The client secret has expired.',
    whose: 'operator',
    remedy:
      'make a new one under Certificates & secrets of the app registration and put it into identity_provider.client_secret or client_secret_file.',
  },
  {
    codes: [7000218],
    what: 'The app demands a credential, and none was sent.',
    whose: 'operator',
    remedy:
      'set identity_provider.client_secret_file, or client_certificate_file with client_key_file, or federated_token_file.',
  },
  {
    codes: [700025],
    what: 'The app is a public client, and a credential was sent.',
    whose: 'operator',
    remedy:
      'move the redirect URI to the platform Web of the app registration, or remove identity_provider.client_secret or its like.',
  },
  {
    codes: [700027],
    what: 'The certificate, or what its key signed, was not accepted.',
    whose: 'operator',
    remedy:
      "upload identity_provider.client_certificate_file under Certificates & secrets of the app registration, and check the machine's clock.",
  },
  {
    codes: [700024],
    what: "The assertion in place of a secret is not valid at Entra's time.",
    whose: 'operator',
    remedy:
      "check the machine's clock, and that the platform renews the token in identity_provider.federated_token_file.",
  },
  {
    codes: [700213, 70021],
    what: 'No federated credential of the app fits the token here.',
    whose: 'operator',
    remedy:
      'add one with exactly the issuer, subject and audience of the token in identity_provider.federated_token_file; it counts after minutes.',
  },

  // What was asked for.
  {
    codes: [650053],
    what: 'The application that the token is for has no such scope.',
    whose: 'operator',
    remedy:
      'write request_scopes in full, for AKS 6dae42f8-4368-4678-94ff-3960e28e3630/.default; a bare name is looked for in Microsoft Graph.',
  },
  {
    codes: [70011, 28000],
    what: 'These scopes are not valid, or not together.',
    whose: 'operator',
    remedy:
      'in request_scopes name one application, by /.default or by single permissions, not both; openid, profile and offline_access may stand beside it.',
  },
  {
    codes: [900144],
    what: 'The request lacked a parameter, most often scope.',
    whose: 'operator',
    remedy: 'set request_scopes of the resource, and let clients sign in with these scopes.',
  },
  {
    codes: [90009],
    what: 'The app asked for a token for itself without saying so.',
    whose: 'operator',
    remedy: 'set request_scopes of the resource; to name the app itself write its GUID/.default.',
  },
  {
    codes: [901002],
    what: 'Entra takes no parameter named resource here.',
    whose: 'operator',
    remedy: noResource,
  },
  {
    codes: [9010010],
    what: 'The client sent resource, and Entra refuses it beside these scopes.',
    whose: 'operator',
    remedy: noResource,
  },
  {
    codes: [90023],
    what: 'Entra does not know this value of prompt.',
    whose: 'operator',
    remedy: 'correct prompt in identity_provider.authorize_parameters.',
  },
  {
    codes: [9002325],
    what: 'The redirect URI is registered for a single-page app, which must use PKCE.',
    whose: 'administrator',
    remedy: registerUnderWeb,
  },
  {
    codes: [9002327],
    what: 'The redirect URI is registered for a single-page app, whose codes only browsers redeem.',
    whose: 'administrator',
    remedy: registerUnderWeb,
  },
  {
    codes: [9002326],
    what: 'The request had an Origin header, which only a single-page app may send.',
    whose: 'operator',
    remedy: 'rolecall sends none: find the proxy before Entra that adds it.',
  },
]
