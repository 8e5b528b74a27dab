import { randomUUID } from 'node:crypto'

/** What Entra says for one AADSTS code. `{name}` in the text stands for a detail of the case. */
interface ErrorKind {
  readonly error: string
  readonly text: string
  /** Of a token answer; 400 unless given. */
  readonly status?: number
  readonly suberror?: string
  /** A JSON string: what the next sign-in must be asked for. */
  readonly claims?: string
}

const grant = 'invalid_grant'
const request = 'invalid_request'
const interaction = 'interaction_required'
const policyClaims = JSON.stringify({
  access_token: { capolids: { essential: true, values: ['c4b0b1d5-0000-4000-8000-00000000ca90'] } },
})

/** The codes that the mock can answer with, as in Microsoft's reference of error codes. */
export const errorKinds = {
  28000: {
    error: grant,
    text: "Provided value for the input parameter scope '{scope}' is not valid because it contains more than one resource.",
  },
  50011: {
    error: request,
    text: "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for the application '{client_id}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal.",
  },
  50034: {
    error: grant,
    text: 'The user account {user} does not exist in the {tenant} directory. To sign into this application, the account must be added to the directory.',
  },
  50057: { error: grant, text: 'The user account is disabled.' },
  50058: {
    error: 'login_required',
    text: 'A silent sign-in request was sent but no user is signed in.',
  },
  50076: {
    error: interaction,
    suberror: 'basic_action',
    claims: policyClaims,
    text: "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{resource}'.",
  },
  50079: {
    error: interaction,
    suberror: 'basic_action',
    text: "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{resource}'.",
  },
  50105: {
    error: grant,
    text: "Your administrator has configured the application to block users unless they are specifically granted ('assigned') access to the application.",
  },
  50132: {
    error: grant,
    text: 'The session is not valid due to password expiration or recent password change.',
  },
  50173: {
    error: grant,
    suberror: 'bad_token',
    text: 'The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.',
  },
  50194: {
    error: request,
    text: "Application '{client_id}' is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'.",
  },
  50196: {
    error: grant,
    text: 'The server terminated an operation because it encountered a client request loop. Please contact your app vendor.',
  },
  53000: {
    error: interaction,
    suberror: 'message_only',
    claims: policyClaims,
    text: 'Device is not in required device state. Conditional Access policy requires a compliant device.',
  },
  53003: {
    error: interaction,
    suberror: 'message_only',
    claims: policyClaims,
    text: 'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
  },
  54005: {
    error: grant,
    text: 'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
  },
  65001: {
    error: grant,
    suberror: 'consent_required',
    text: "The user or administrator has not consented to use the application with ID '{client_id}'. Send an interactive authorization request for this user and resource.",
  },
  65004: { error: 'access_denied', text: 'User declined to consent to access the app.' },
  70000: { error: grant, text: 'Provided grant is invalid or malformed.' },
  70003: {
    error: 'unsupported_grant_type',
    text: "The app requested an unsupported grant type '{grant_type}'.",
  },
  70008: {
    error: grant,
    suberror: 'bad_token',
    text: 'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
  },
  70011: {
    error: 'invalid_scope',
    text: "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid. .default scope can't be combined with resource-specific scopes.",
  },
  70043: {
    error: grant,
    suberror: 'bad_token',
    text: 'The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.',
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
  90055: {
    error: 'temporarily_unavailable',
    status: 429,
    text: 'There are too many incoming requests.',
  },
  90094: {
    error: 'access_denied',
    text: 'An administrator of {tenant} has set a policy that prevents you from granting {client_id} the permissions it is requesting.',
  },
  500011: {
    error: 'invalid_resource',
    text: 'The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.',
  },
  500112: {
    error: grant,
    text: "The reply address '{redirect_uri}' does not match the reply address provided when requesting Authorization code.",
  },
  501481: {
    error: grant,
    text: 'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
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
  700025: {
    error: 'invalid_client',
    status: 401,
    text: "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
  },
  700054: {
    error: 'unsupported_response_type',
    text: "response_type '{response_type}' is not enabled for the application.",
  },
  700082: {
    error: grant,
    suberror: 'bad_token',
    text: 'The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.',
  },
  700084: {
    error: grant,
    suberror: 'bad_token',
    text: 'The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which cannot be extended.',
  },
  900144: {
    error: request,
    text: "The request body must contain the following parameter: '{parameter}'.",
  },
  900971: { error: request, text: 'No reply address provided.' },
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

export type ErrorCode = keyof typeof errorKinds

/** Whether the mock knows this AADSTS code. */
export function isErrorCode(code: number): code is ErrorCode {
  return Object.hasOwn(errorKinds, code)
}

/** A refusal with an AADSTS code. What it says of the case is public: never a code or a secret. */
export class EntraError extends Error {
  readonly code: ErrorCode
  readonly kind: ErrorKind
  readonly status: number

  constructor(code: ErrorCode, details: Readonly<Record<string, string>> = {}) {
    const kind: ErrorKind = errorKinds[code]
    super(kind.text.replaceAll(/\{(\w+)\}/g, (_, name: string) => details[name] ?? ''))
    this.code = code
    this.kind = kind
    this.status = kind.status ?? 400
  }
}

/** The JSON body of an error answer. */
export interface ErrorBody {
  readonly error: string
  readonly error_description: string
  readonly error_codes: readonly number[]
  readonly timestamp: string
  readonly trace_id: string
  readonly correlation_id: string
  readonly error_uri: string
  readonly suberror?: string
  readonly claims?: string
}

/**
 * The error as the token endpoint answers it.
 *
 * @param error the refusal
 * @param origin the mock's, for `error_uri`
 * @param now milliseconds since the epoch
 */
export function errorBody(error: EntraError, origin: string, now: number): ErrorBody {
  const trace = randomUUID()
  const correlation = randomUUID()
  const timestamp = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`
  const { suberror, claims } = error.kind
  return {
    error: error.kind.error,
    error_description:
      `AADSTS${error.code}: ${error.message} ` +
      `Trace ID: ${trace} Correlation ID: ${correlation} Timestamp: ${timestamp}`,
    error_codes: [error.code],
    timestamp,
    trace_id: trace,
    correlation_id: correlation,
    error_uri: `${origin}/error?code=${error.code}`,
    ...(suberror ? { suberror } : {}),
    ...(claims ? { claims } : {}),
  }
}
