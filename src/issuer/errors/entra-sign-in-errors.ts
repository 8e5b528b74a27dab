import type { EntraErrorRow } from './entra-error-row.ts'

const signInAgain = 'sign in again.'
const signInLogs = 'see the sign-in logs in the Entra admin center'

/** Entra's errors about the user who signs in, and those that pass. */
export const entraSignInErrors: readonly EntraErrorRow[] = [
  {
    codes: [65004],
    what: 'Consent was declined.',
    whose: 'user',
    remedy: 'sign in again and accept, or ask an administrator to consent for everybody.',
  },
  {
    codes: [50020, 50034, 51004],
    what: 'This account is not in the tenant.',
    whose: 'user',
    remedy: 'sign in with an account of the tenant, or ask its administrator for an invitation.',
  },
  {
    codes: [50057],
    what: 'This account is disabled.',
    whose: 'administrator',
    remedy: 'enable it under Users in the Entra admin center, if it is to work again.',
  },
  {
    codes: [50076, 50074, 50078],
    what: 'Entra asks for a second factor.',
    whose: 'user',
    remedy: 'sign in again and confirm it there.',
  },
  {
    codes: [50079, 50072],
    what: 'Entra asks for a second factor that is not set up yet.',
    whose: 'user',
    remedy: 'sign in again and set it up there.',
  },
  {
    codes: [53000, 53001],
    what: 'A Conditional Access policy wants a device that the organisation manages.',
    whose: 'administrator',
    remedy: `${signInLogs} for the policy and the device.`,
  },
  {
    codes: [53002, 53003, 530032],
    what: 'A Conditional Access policy blocks this sign-in.',
    whose: 'administrator',
    remedy: `${signInLogs} for the policy and its reason.`,
  },
  {
    codes: [53004],
    what: 'A policy keeps this account from setting up its second factor here and now.',
    whose: 'administrator',
    remedy: `${signInLogs} for the risk that was found.`,
  },
  {
    codes: [50058],
    what: 'Nobody is signed in at Entra in this browser, and it was told not to ask.',
    whose: 'user',
    remedy: 'sign in again where the sign-in page can be shown.',
  },
  {
    codes: [50132, 50133, 50173],
    what: 'The session was revoked, or the password has changed.',
    whose: 'user',
    remedy: signInAgain,
  },
  {
    codes: [70008],
    what: 'The code or the session is too old.',
    whose: 'user',
    remedy: signInAgain,
  },
  {
    codes: [700082],
    what: 'The session has not been used for too long.',
    whose: 'user',
    remedy: signInAgain,
  },
  {
    codes: [700084],
    what: 'The session ended after 24 hours, as sessions of single-page apps do.',
    whose: 'administrator',
    remedy:
      'move the redirect URI to the platform Web of the app registration; until then users sign in every day.',
  },
  {
    codes: [70043],
    what: 'A policy asks users to sign in again from time to time.',
    whose: 'user',
    remedy: signInAgain,
  },
  {
    codes: [54005],
    what: 'The code was used before.',
    whose: 'user',
    remedy: 'sign in again; if that does not help, something redeems each code twice.',
  },
  {
    codes: [70000, 9002313],
    what: 'The code or refresh token is damaged, or was made for another app.',
    whose: 'user',
    remedy: signInAgain,
  },
  {
    codes: [501481],
    what: 'The code_verifier does not belong to this code.',
    whose: 'user',
    remedy: 'sign in again in one window only.',
  },

  // What passes.
  {
    codes: [50196],
    what: 'Entra stopped a client that asked again and again.',
    whose: 'nobody',
    remedy: 'wait some minutes; if it comes back, find the client that repeats without a pause.',
  },
  {
    codes: [90033, 90024],
    what: 'Entra has a passing fault.',
    whose: 'nobody',
    remedy: 'try again in a minute.',
  },
  {
    codes: [90055],
    what: 'Entra has too many requests for this tenant.',
    whose: 'nobody',
    remedy: 'try again in some minutes.',
  },
]
