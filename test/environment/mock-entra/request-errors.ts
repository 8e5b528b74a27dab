import type { ErrorKind } from './error-kind.ts'

const grant = 'invalid_grant'
const request = 'invalid_request'

/** Entra's errors about the app, its credential, the tenant and the request, and passing faults. */
export const requestErrors = {
  28000: {
    error: grant,
    text: "Provided value for the input parameter scope '{scope}' is not valid because it contains more than one resource.",
  },
  50011: {
    error: request,
    text: "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for the application '{client_id}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal.",
  },
  50194: {
    error: request,
    text: "Application '{client_id}' is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'.",
  },
  51004: {
    error: grant,
    text: 'The user account {user} does not exist in the {tenant} directory.',
  },
  65005: {
    error: 'invalid_resource',
    text: 'The application required resource access list does not contain applications discoverable by the resource.',
  },
  70001: {
    error: 'unauthorized_client',
    text: 'The application is disabled or not installed in the tenant.',
  },
  70003: {
    error: 'unsupported_grant_type',
    text: "The app requested an unsupported grant type '{grant_type}'.",
  },
  70011: {
    error: 'invalid_scope',
    text: "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid. .default scope can't be combined with resource-specific scopes.",
  },
  70021: {
    error: 'invalid_client',
    status: 401,
    text: 'No matching federated identity record found for presented assertion.',
  },
  90002: {
    error: request,
    text: "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
  },
  90009: {
    error: request,
    text: 'Application is requesting a token for itself. This scenario is supported only if resource is specified using the GUID based App Identifier.',
  },
  90015: { error: request, text: 'Requested query string is too long.' },
  90023: { error: request, text: "Unsupported '{parameter}' value." },
  90024: {
    error: 'temporarily_unavailable',
    status: 503,
    text: 'RequestBudgetExceededError - A transient error has occurred. Please try again.',
  },
  90033: {
    error: 'temporarily_unavailable',
    status: 503,
    text: 'A transient error has occurred. Please try again.',
  },
  90038: {
    error: request,
    text: "Tenant '{tenant}' request is being redirected to the national cloud.",
  },
  90055: {
    error: 'temporarily_unavailable',
    status: 429,
    text: 'There are too many incoming requests.',
  },
  500011: {
    error: 'invalid_resource',
    text: 'The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.',
  },
  500113: {
    error: request,
    text: 'No reply address is registered for the application.',
  },
  501491: { error: request, text: 'Invalid size of Code_Challenge parameter.' },
  650053: {
    error: 'invalid_client',
    text: "The application '{client_id}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. Contact the app vendor.",
  },
  650057: {
    error: 'invalid_resource',
    text: "Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the client's application registration.",
  },
  700016: {
    error: 'unauthorized_client',
    text: "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.",
  },
  700024: {
    error: 'invalid_client',
    status: 401,
    text: 'Client assertion is not within its valid time range.',
  },
  700025: {
    error: 'invalid_client',
    status: 401,
    text: "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
  },
  700027: {
    error: 'invalid_client',
    status: 401,
    text: 'The certificate with identifier used to sign the client assertion is not registered on the application, or the signature is not valid.',
  },
  700038: {
    error: 'unauthorized_client',
    text: '{client_id} is not a valid application identifier.',
  },
  700054: {
    error: 'unsupported_response_type',
    text: "response_type '{response_type}' is not enabled for the application.",
  },
  700213: {
    error: 'invalid_client',
    status: 401,
    text: "No matching federated identity record found for presented assertion subject '{subject}'.",
  },
  900023: {
    error: request,
    text: "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
  },
  900144: {
    error: request,
    text: "The request body must contain the following parameter: '{parameter}'.",
  },
  900382: {
    error: request,
    text: 'Confidential client is not supported in a cross cloud request.',
  },
  900971: { error: request, text: 'No reply address provided.' },
  901002: {
    error: request,
    text: "The 'resource' request parameter is not supported.",
  },
  1002012: {
    error: 'invalid_scope',
    text: 'The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).',
  },
  7000112: { error: 'unauthorized_client', text: "Application '{client_id}' is disabled." },
  7000215: {
    error: 'invalid_client',
    status: 401,
    text: "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client_id}'.",
  },
  7000218: {
    error: 'invalid_client',
    status: 401,
    text: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  },
  7000222: {
    error: 'invalid_client',
    status: 401,
    text: "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new keys for your app, or consider using certificate credentials for added security.",
  },
  9000411: {
    error: request,
    text: "The request is not properly formatted. The parameter '{parameter}' is duplicated.",
  },
  9002313: { error: request, text: 'Invalid request. Request is malformed or invalid.' },
  9002325: {
    error: request,
    text: 'Proof Key for Code Exchange is required for cross-origin authorization code redemption.',
  },
  9002326: {
    error: request,
    text: "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request origin: '{origin}'.",
  },
  9002327: {
    error: request,
    text: "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
  },
  9010010: {
    error: 'invalid_target',
    text: "The resource parameter provided in the request doesn't match with the requested scopes.",
  },
} as const satisfies Readonly<Record<number, ErrorKind>>
