import type { Send } from '../../environment/trusting-fetch.ts'

/** The administrator of a Keycloak, by its REST API. */
export interface KeycloakAdmin {
  /**
   * Sends one request to a path below `/admin/realms`.
   *
   * @returns the JSON of the answer, `undefined` where it has none
   * @throws when the answer is not of the 200s; the message has what was asked and answered
   */
  send(method: string, path: string, body?: unknown): Promise<unknown>
}

export interface AdminAccess {
  readonly origin: string
  readonly username: string
  readonly password: string
  readonly fetch: Send
}

export function connectAdmin({ origin, username, password, fetch }: AdminAccess): KeycloakAdmin {
  // The token is good for a minute only, so that each request gets its own.
  const token = async (): Promise<string> => {
    const response = await fetch(`${origin}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: 'admin-cli',
        username,
        password,
      }),
    })
    const answer = (await response.json()) as Record<string, unknown>
    return String(answer['access_token'])
  }
  return {
    async send(method, path, body) {
      const response = await fetch(`${origin}/admin/realms${path}`, {
        method,
        headers: {
          authorization: `Bearer ${await token()}`,
          'content-type': 'application/json',
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (response.ok) return text === '' ? undefined : JSON.parse(text)
      throw new Error(`${method} ${path} was answered ${response.status}: ${text}`)
    },
  }
}
