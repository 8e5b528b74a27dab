import type { Browser } from 'playwright-core'
import { type Demo, startDemo } from '../../../deploy/demo/demo.ts'
import { silentProgress } from '../../../deploy/demo/progress.ts'
import { createAuthority } from '../../environment/certificates.ts'
import { TEAMS } from '../../environment/cluster/contents.ts'
import { holmes } from '../../environment/mock-entra/directory.ts'
import { ANY_PORTS } from '../../environment/ports.ts'
import { startRobusta } from '../../environment/robusta/robusta.ts'
import { startChromium } from './chromium.ts'

/** Where the Robusta UI is; the callback URLs of the documentation page are below them. */
export const PLATFORM_ORIGINS = [
  'https://platform.robusta.dev',
  'https://platform.eu.robusta.dev',
  'https://platform.ap.robusta.dev',
] as const

/** The demo on a real API server, its page under the platform's origins too, and a browser. */
export interface RobustaStack {
  readonly demo: Demo
  readonly browser: Browser
  close(): Promise<void>
}

/** Starts all of it; `chromium` is the program. */
export async function startRobustaStack(chromium: string): Promise<RobustaStack> {
  const closers: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    const demo = await startDemo({
      ports: ANY_PORTS,
      cluster: 'structured',
      progress: silentProgress,
    })
    closers.push(() => demo.close())
    const hosts = PLATFORM_ORIGINS.map((origin) => new URL(origin).host)
    const authority = await createAuthority('Robusta platform')
    const tls = await authority.issue({ names: hosts })
    const platform = await startRobusta({
      tls,
      publicOrigins: PLATFORM_ORIGINS,
      mcpUrl: demo.relay.url,
      trail: demo.relayTrail,
      clientId: holmes.client_id,
      namespaces: TEAMS,
    })
    closers.push(() => platform.close())
    const browser = await startChromium(chromium, {
      hosts: Object.fromEntries(hosts.map((host) => [host, platform.port])),
      certificate: tls.certificate,
    })
    closers.push(() => browser.close())
    return { demo, browser, close }
  } catch (error) {
    await close()
    throw error
  }
}
