/** Where a cluster of the demo expects its people to come from. */
export interface ClusterIdentityProvider {
  /** Absolute URL of the key set (RFC 7517). */
  readonly jwksUri: string
  /** Absolute URL of the discovery document. The stand-in does not need it. */
  readonly discoveryUrl?: string
  /** The exact `iss`: Entra's v1 form, `https://sts.windows.net/<tenant>/`. */
  readonly issuer: string
  readonly audience: string
  readonly tenantId: string
  /** PEM: the only authority trusted for `jwksUri`; absent: the system's. */
  readonly certificateAuthority?: string
}

/** A cluster of the demo: its API server and what that server recorded. */
export interface Cluster {
  readonly kind: 'real' | 'stand-in'
  /** One line for people: what answers here. */
  readonly description: string
  /** Base URL of the API server, https. */
  readonly server: string
  /** PEM: the authority that signed the server's certificate. */
  readonly certificateAuthority: string
  /** Settles when the API server ends, with the cause in words. */
  readonly ended: Promise<string>
  /** Every request so far, oldest first. */
  auditEvents(): Promise<readonly AuditEvent[]>
  close(): Promise<void>
}

/** The `user` of an audit event: empty when nobody could be authenticated. */
export interface AuditUser {
  readonly username?: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** An `audit.k8s.io/v1` Event at level Metadata, as far as anybody here reads it. */
export interface AuditEvent {
  readonly kind: 'Event'
  readonly apiVersion: 'audit.k8s.io/v1'
  readonly level: 'Metadata'
  readonly auditID: string
  /** `ResponseStarted`: nobody could be authenticated; a real API server has no later stage then. */
  readonly stage: 'ResponseStarted' | 'ResponseComplete'
  readonly requestURI: string
  readonly verb: string
  readonly user: AuditUser
  readonly sourceIPs: readonly string[]
  readonly userAgent?: string
  readonly objectRef?: AuditObject
  readonly responseStatus: {
    readonly code: number
    readonly status?: string
    readonly reason?: string
    readonly message?: string
  }
  /** RFC 3339, microseconds. */
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** The object that a request was about. */
export interface AuditObject {
  readonly resource?: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
  readonly apiGroup?: string
  readonly apiVersion?: string
}

/** Under this key of a user's `extra` both clusters keep the token's `uti`. */
export const TOKEN_ID_EXTRA = 'entra.example.com/uti'
