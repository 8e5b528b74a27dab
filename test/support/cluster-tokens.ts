import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'
import type { ClusterIdentityProvider } from '../../src/demo/cluster/cluster.ts'

/** A key set on loopback and the tokens signed with its key: an issuer and nothing else. */
export interface TestIssuer {
  readonly identityProvider: ClusterIdentityProvider
  /** Signs claims with the key in the key set (RS256). */
  sign(claims: object, header?: Partial<JWTHeaderParameters>): Promise<string>
  close(): void
}

export const TENANT = '3f8e1c5a-0b6d-4c1e-9d2f-6a7b8c9d0e1f'
export const AUDIENCE = '6dae42f8-4368-4678-94ff-3960e28e3630'
export const ISSUER = `https://sts.windows.net/${TENANT}/`

export async function startTestIssuer(): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const key = { ...(await exportJWK(publicKey)), kid: 'one', use: 'sig', alg: 'RS256' }
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [key] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const jwksUri = `http://127.0.0.1:${port}/keys`
  return {
    identityProvider: { jwksUri, issuer: ISSUER, audience: AUDIENCE, tenantId: TENANT },
    sign: (claims, header = {}) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: 'one', ...header })
        .sign(privateKey),
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
