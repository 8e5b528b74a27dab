/**
 * What becomes known of a step of a sign-in on its way, for its line in the log; filled in as it is
 * known, and never read by the step itself. Only what was found to be so: a client id that nobody
 * knows may be a token that went astray.
 */
export interface SignInTrail {
  client?: { readonly id: string; readonly name?: string | undefined }
  /** What the cluster calls the user. */
  user?: string
  /** The resource's name. */
  resource?: string
}
