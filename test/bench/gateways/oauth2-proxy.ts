import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kubeCacheFolder } from '../../environment/cluster/real/kube-binaries.ts'
import { buildGoProgram } from '../../environment/go-program.ts'
import { freePort } from '../../environment/ports.ts'
import { CORE, startPinned } from '../pinned-process.ts'
import { asItIs, type Gateway, type Setup } from './gateway.ts'

/** As `oauth2-proxy/go.mod` has it. */
const VERSION = '7.15.6'

/**
 * oauth2-proxy as a resource server: it verifies the bearer of every request (`skip_jwt_bearer_tokens`)
 * and hands it on. Built once, from its Go module.
 *
 * @returns undefined where it cannot be built; stderr then says why
 */
export async function startOauth2Proxy(setup: Setup): Promise<Gateway | undefined> {
  const program = await built()
  if (program === undefined) return undefined
  const port = await freePort()
  const command = [program, ...settings(setup, port)]
  const environment = { GOMAXPROCS: '1' }
  const pid = await startPinned(CORE.measured, command, { port, environment })
  const url = `http://127.0.0.1:${port}${new URL(setup.upstream).pathname}`
  return { name: 'oauth2-proxy, jwt each time', url, pid, hold: asItIs, judges: true, onV8: false }
}

async function built(): Promise<string | undefined> {
  const path = join(dirname(kubeCacheFolder()), `oauth2-proxy-${VERSION}`, 'oauth2-proxy')
  if (existsSync(path)) return path
  try {
    await buildGoProgram({
      name: 'oauth2-proxy',
      module: fileURLToPath(new URL('./oauth2-proxy', import.meta.url)),
      package: 'github.com/oauth2-proxy/oauth2-proxy/v7',
      path,
    })
    return path
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    process.stderr.write(`oauth2-proxy is left out: ${reason}\n`)
    return undefined
  }
}

function settings(
  { upstream, issuer, audience, authority, tenantId }: Setup,
  port: number,
): readonly string[] {
  return [
    '--provider=oidc',
    '--skip-oidc-discovery', // the tokens' issuer is Entra's v1, which has no discovery of its own
    `--oidc-issuer-url=${issuer}`,
    `--oidc-jwks-url=${authority}/${tenantId}/discovery/v2.0/keys`,
    `--login-url=${authority}/authorize`,
    `--redeem-url=${authority}/token`,
    `--client-id=${audience}`,
    '--client-secret=none',
    '--cookie-secret=0123456789abcdef',
    '--email-domain=*',
    '--oidc-email-claim=upn',
    '--insecure-oidc-allow-unverified-email',
    '--skip-jwt-bearer-tokens',
    '--pass-authorization-header',
    '--api-route=^/',
    `--upstream=${new URL(upstream).origin}/`,
    `--http-address=127.0.0.1:${port}`,
    '--request-logging=false',
    '--auth-logging=false',
    '--standard-logging=false',
  ]
}
