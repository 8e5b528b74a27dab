import { randomBytes } from 'node:crypto'
import { holmes } from '../../environment/mock-entra/directory.ts'
import type { MockEntra } from '../../environment/mock-entra/mock-entra.ts'
import { FLEET_PATH } from '../../environment/proxy-process.ts'
import { type FurtherResource, prepareServe, untilReady } from '../../support/fault-process.ts'
import type { Closing } from './closing.ts'
import { type Exchange, startRecordingHop } from './recording-hop.ts'

/** rolecall by its own command, behind a hop. */
export interface Served {
  /** `http://localhost:<port>`: the hop's, which is its `public_url`. */
  readonly origin: string
  /** What it was asked, and answered. */
  readonly exchanges: readonly Exchange[]
  /** Ends it; returns its whole log. */
  end(): Promise<string>
}

export interface Serving {
  readonly entra: MockEntra
  readonly upstream: string
  /** The table `sign_in` of its configuration. */
  readonly signIn: { readonly mode: 'broker' | 'relay' | 'off' } & Readonly<Record<string, unknown>>
  /** Of the process. */
  readonly environment?: Readonly<Record<string, string>>
  /** Beside the one at `/mcp`, by name. */
  readonly furtherResources?: Readonly<Record<string, FurtherResource>>
  /** Whether there is a fleet of them all. */
  readonly hasFleet?: boolean
}

/** Starts it with the app registration of the documentation page, and waits until it is ready. */
export async function serve(
  { entra, upstream, signIn, environment, furtherResources = {}, hasFleet = false }: Serving,
  closing: Closing,
): Promise<Served> {
  const hop = await startRecordingHop()
  closing.after(() => hop.close())
  const { client_id, client_secret } = holmes
  const signsIn = signIn.mode !== 'off'
  const begin = await prepareServe(closing, {
    upstream,
    tenantId: entra.tenantId,
    authority: entra.origin,
    identityProvider: signsIn ? { client_id, client_secret } : { client_id },
    settings: {
      public_url: hop.origin,
      ...(signsIn && { sealing_keys: [randomBytes(32).toString('base64url')] }),
      sign_in: signIn,
      ...(hasFleet && { fleet: { path: FLEET_PATH } }),
    },
    ...(environment && { environment }),
    furtherResources,
  })
  const rolecall = await begin()
  hop.leadTo(Number(new URL(rolecall.url).port))
  await untilReady(rolecall)
  const end = async (): Promise<string> => {
    await rolecall.close()
    return rolecall.log()
  }
  return { origin: hop.origin, exchanges: hop.exchanges, end }
}
