/** What Entra says for one AADSTS code. `{name}` in the text stands for a detail of the case. */
export interface ErrorKind {
  readonly error: string
  readonly text: string
  /** Of a token answer; 400 unless given. */
  readonly status?: number
  readonly suberror?: string
  /** A JSON string: what the next sign-in must be asked for. */
  readonly claims?: string
}
