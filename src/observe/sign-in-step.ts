/** The steps of a sign-in, by their endpoints. */
export const signInSteps = [
  'register',
  'authorize',
  'decide',
  'callback',
  'token',
  'refresh',
  'revoke',
] as const

/** A step of a sign-in. */
export type SignInStep = (typeof signInSteps)[number]
