/** Something that stands between client and MCP server, ready to be measured. */
export interface Gateway {
  readonly name: string
  readonly url: string
  readonly pid: number
  /** How clients hold a token of the identity provider there. */
  hold(token: string): Promise<string>
  /** Whether it looks at tokens at all. */
  readonly judges: boolean
  /** Whether it is JavaScript, whose compiled code goes again when it is not called. */
  readonly onV8: boolean
  /** From its start to the first answer, milliseconds, where that says something. */
  readonly readyMs?: number
}

/** What every gateway is told. */
export interface Setup {
  /** A folder for files, which is removed at the end. */
  readonly folder: string
  readonly upstream: string
  readonly issuer: string
  readonly audience: string
  readonly tenantId: string
  readonly authority: string
  /** Of the one signing key, PEM. */
  readonly publicKey: string
}

export const asItIs = (token: string): Promise<string> => Promise.resolve(token)
