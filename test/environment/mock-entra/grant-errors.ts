import type { ErrorKind } from './error-kind.ts'

const grant = 'invalid_grant'
const interaction = 'interaction_required'
const policyClaims = JSON.stringify({
  access_token: { capolids: { essential: true, values: ['c4b0b1d5-0000-4000-8000-00000000ca90'] } },
})

/** Entra's errors about a person, a session or a grant. */
export const grantErrors = {
  50020: {
    error: grant,
    text: "User account '{user}' from another identity provider does not exist in tenant '{tenant}' and cannot access the application. The account needs to be added as an external user in the tenant first.",
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
  50072: {
    error: interaction,
    suberror: 'basic_action',
    text: 'User needs to enroll in multi-factor authentication.',
  },
  50074: {
    error: interaction,
    suberror: 'basic_action',
    text: 'Strong authentication is required and the user did not pass the challenge.',
  },
  50076: {
    error: interaction,
    suberror: 'basic_action',
    claims: policyClaims,
    text: "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{resource}'.",
  },
  50078: {
    error: interaction,
    suberror: 'basic_action',
    text: "Presented multi-factor authentication has expired, it must be refreshed to access '{resource}'.",
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
  50133: {
    error: grant,
    suberror: 'bad_token',
    text: 'The session is not valid due to a recent password change or because it expired.',
  },
  50173: {
    error: grant,
    suberror: 'bad_token',
    text: 'The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.',
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
  53001: {
    error: interaction,
    suberror: 'message_only',
    text: 'Device is not in required device state. The device must be domain joined.',
  },
  53002: {
    error: interaction,
    suberror: 'message_only',
    text: 'The app used is not an approved app for Conditional Access.',
  },
  53003: {
    error: interaction,
    suberror: 'message_only',
    claims: policyClaims,
    text: 'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
  },
  53004: {
    error: interaction,
    suberror: 'message_only',
    text: 'The multi-factor authentication registration is blocked due to risk.',
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
  70008: {
    error: grant,
    suberror: 'bad_token',
    text: 'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
  },
  70043: {
    error: grant,
    suberror: 'bad_token',
    text: 'The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.',
  },
  90094: {
    error: 'access_denied',
    text: 'An administrator of {tenant} has set a policy that prevents you from granting {client_id} the permissions it is requesting.',
  },
  90095: {
    error: 'access_denied',
    text: 'Admin consent is required. The request has been sent to an administrator.',
  },
  500112: {
    error: grant,
    text: "The reply address '{redirect_uri}' does not match the reply address provided when requesting Authorization code.",
  },
  501481: {
    error: grant,
    text: 'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
  },
  530032: {
    error: interaction,
    suberror: 'message_only',
    text: 'Access was blocked by a security policy of the tenant.',
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
} as const satisfies Readonly<Record<number, ErrorKind>>
