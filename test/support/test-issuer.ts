import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, SignJWT } from 'jose'
import { createAuthority, loopbackNames } from '../environment/certificates.ts'
import type { ClusterIdentityProvider } from '../environment/cluster/cluster.ts'
import { rsaKeyPair } from './rsa-keys.ts'

/** Discovery and a key set on loopback, and tokens made with its key: an issuer, nothing else. */
export interface TestIssuer {
  readonly identityProvider: ClusterIdentityProvider
  /** Signs claims with the key in the key set (RS256). */
  sign(claims: object): Promise<string>
  /** The same claims and `kid`, signed by a key that is not in the key set. */
  signByOther(claims: object): Promise<string>
  /** HS256 over the public key as PEM: what a verifier without an algorithm list takes. */
  signByPublicKey(claims: object): Promise<string>
}

export const TENANT = '3f8e1c5a-0b6d-4c1e-9d2f-6a7b8c9d0e1f'
export const AUDIENCE = '6dae42f8-4368-4678-94ff-3960e28e3630'
export const ISSUER = `https://sts.windows.net/${TENANT}/`
const KID = 'one'

/** @param after registers what is to be closed at the end of a test or suite */
export async function startTestIssuer(after: (close: () => void) => void): Promise<TestIssuer> {
  const { publicKey, privateKey } = rsaKeyPair('test issuer')
  const other = rsaKeyPair('another issuer')
  const keys = [{ ...(await exportJWK(publicKey)), kid: KID, use: 'sig' }]
  const authority = await createAuthority('Test issuer')
  const { certificate, key } = await authority.issue({ names: loopbackNames })
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const document = request.url === '/keys' ? { keys } : { issuer: ISSUER, jwks_uri: jwksUri }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(document))
  })
  after(() => {
    server.close()
    server.closeAllConnections()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const jwksUri = `https://127.0.0.1:${port}/keys`
  const signWith = (signer: Parameters<SignJWT['sign']>[0], claims: object): Promise<string> =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: KID })
      .sign(signer)
  return {
    identityProvider: {
      jwksUri,
      discoveryUrl: `https://127.0.0.1:${port}/.well-known/openid-configuration`,
      issuer: ISSUER,
      audience: AUDIENCE,
      tenantId: TENANT,
      certificateAuthority: authority.certificate,
    },
    sign: (claims) => signWith(privateKey, claims),
    signByOther: (claims) => signWith(other.privateKey, claims),
    signByPublicKey: async (claims) => {
      const input = `${encode({ alg: 'HS256', typ: 'JWT', kid: KID })}.${encode(claims)}`
      const mac = createHmac('sha256', await exportSPKI(publicKey)).update(input)
      return `${input}.${mac.digest('base64url')}`
    },
  }
}

/** `alg: none`, with an empty third part. */
export function unsigned(claims: object): string {
  return `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`
}

/** The same token with one bit of its signature changed. */
export function withEditedSignature(token: string): string {
  const [header, payload, signature = ''] = token.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  bytes.writeUInt8(bytes.readUInt8(9) ^ 1, 9)
  return [header, payload, bytes.toString('base64url')].join('.')
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
