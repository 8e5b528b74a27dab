import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { deriveKeys } from '../../../src/sealing/derived-keys.ts'
import { sealAccessToken } from '../../../src/sign-in/sealed/sealed-access-token.ts'
import { familyDigest } from '../../../src/sign-in/sessions/family-digest.ts'
import { freePort } from '../../environment/ports.ts'
import { CORE, startPinned } from '../pinned-process.ts'
import { asItIs, type Gateway, type Setup } from './gateway.ts'

const PROGRAM = fileURLToPath(new URL('../../../dist/rolecall.js', import.meta.url))

export interface RolecallVariant {
  readonly name: string
  readonly sealed?: boolean
  readonly environment?: NodeJS.ProcessEnv
  /** Node's own flags. */
  readonly flags?: readonly string[]
  /** How many, each at a path of its own; default: one. */
  readonly resources?: number
}

/** As the image starts Node.js (`Dockerfile`). */
const IMAGE_FLAGS = ['--max-semi-space-size=16']

/** rolecall as it is built, with its log to nowhere but written. */
export async function startRolecall(setup: Setup, variant: RolecallVariant): Promise<Gateway> {
  const [port, admin] = [await freePort(), await freePort()]
  const key = randomBytes(32).toString('base64url')
  const began = performance.now()
  const command = [process.execPath, ...IMAGE_FLAGS, ...(variant.flags ?? []), PROGRAM, 'serve']
  const pid = await startPinned(CORE.measured, command, {
    port: admin,
    environment: { ...settings(setup, variant, { port, admin }), ROLECALL__SEALING_KEYS: key },
  })
  while ((await fetch(`http://127.0.0.1:${admin}/readyz`)).status !== 200) await delay(5)
  const readyMs = performance.now() - began
  const own = `http://localhost:${port}/mcp`
  const keys = deriveKeys([key]).for('access token')
  const session = { family: familyDigest(''), began: Date.now(), client: { id: 'bench' } }
  return {
    name: variant.name,
    url: `http://127.0.0.1:${port}/mcp`,
    pid,
    judges: true,
    onV8: true,
    readyMs,
    hold: variant.sealed
      ? (token) => sealAccessToken({ token, audience: [{ name: 'prod', url: own }], session }, keys)
      : asItIs,
  }
}

function settings(
  { upstream, audience, tenantId, authority }: Setup,
  { sealed, environment, resources = 1 }: RolecallVariant,
  { port, admin }: { readonly port: number; readonly admin: number },
): NodeJS.ProcessEnv {
  const served = ['prod', ...Array.from({ length: resources - 1 }, (_, i) => `more-${i}`)]
  const each = served.flatMap((name, i): [string, string][] => [
    [`ROLECALL__RESOURCE__${i}__NAME`, name],
    [`ROLECALL__RESOURCE__${i}__PATH`, i === 0 ? '/mcp' : `/mcp-${name}`],
    [`ROLECALL__RESOURCE__${i}__UPSTREAM`, upstream],
    [`ROLECALL__RESOURCE__${i}__AUDIENCES`, audience],
    [`ROLECALL__RESOURCE__${i}__ALLOWED_CLIENTS`, '*'],
  ])
  return {
    ...Object.fromEntries(each),
    ROLECALL__PUBLIC_URL: `http://localhost:${port}`,
    ROLECALL__INTERNAL_HOSTS: `127.0.0.1:${port}`,
    ROLECALL__LISTEN: `127.0.0.1:${port}`,
    ROLECALL__ADMIN_LISTEN: `127.0.0.1:${admin}`,
    ROLECALL__IDENTITY_PROVIDER__KIND: 'entra',
    ROLECALL__IDENTITY_PROVIDER__TENANT_ID: tenantId,
    ROLECALL__IDENTITY_PROVIDER__AUTHORITY: authority,
    ROLECALL__SHUTDOWN_DELAY: '0s',
    ROLECALL__LIMITS__CALLS_PER_USER: '100000',
    ROLECALL__LIMITS__STREAMS_PER_USER: '100000',
    ...(sealed
      ? {
          ROLECALL__IDENTITY_PROVIDER__CLIENT_ID: 'rolecall',
          ROLECALL__SIGN_IN__MODE: 'relay',
          ROLECALL__SIGN_IN__TOKENS: 'sealed',
        }
      : { ROLECALL__SIGN_IN__MODE: 'off' }),
    ...environment,
  }
}
