import { createHash, X509Certificate } from 'node:crypto'
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'

const EXECUTABLE = '/usr/bin/chromium'

/**
 * Chromium as Debian has it.
 *
 * @throws naming the package, when it is not installed
 */
export async function findChromium(): Promise<string> {
  return await access(EXECUTABLE).then(
    () => EXECUTABLE,
    () => {
      throw new Error(
        `no ${EXECUTABLE}: apt-get install -y --no-install-recommends chromium brings it`,
      )
    },
  )
}

export interface ChromiumOptions {
  /** Hosts on port 443 that are on this machine, by their ports of 127.0.0.1. */
  readonly hosts?: Readonly<Record<string, number>>
  /** PEM: the one certificate of theirs whose key is taken without an authority. */
  readonly certificate?: string
}

/** Starts Chromium, headless. It finds this machine and these hosts, and nothing else. */
export function startChromium(
  executablePath: string,
  options: ChromiumOptions = {},
): Promise<Browser> {
  return chromium.launch({ executablePath, args: argumentsFor(options) })
}

/** The same as one person's browser, in whose settings cookies of third parties are blocked or kept. */
export async function startChromiumOfPerson(
  t: TestContext,
  executablePath: string,
  { thirdPartyCookies }: { readonly thirdPartyCookies: 'blocked' | 'kept' },
): Promise<BrowserContext> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-chromium-'))
  await mkdir(join(folder, 'Default'))
  const cookie_controls_mode = thirdPartyCookies === 'blocked' ? 1 : 0
  const preferences = JSON.stringify({ profile: { cookie_controls_mode } })
  await writeFile(join(folder, 'Default', 'Preferences'), preferences)
  const args = argumentsFor({})
  const context = await chromium.launchPersistentContext(folder, { executablePath, args })
  t.after(async () => {
    await context.close()
    await rm(folder, { recursive: true, force: true })
  })
  return context
}

function argumentsFor({ hosts = {}, certificate }: ChromiumOptions): string[] {
  const rules = [
    ...Object.entries(hosts).map(([host, port]) => `MAP ${host}:443 127.0.0.1:${port}`),
    'MAP * ~NOTFOUND',
    'EXCLUDE localhost',
    'EXCLUDE 127.0.0.1',
  ]
  return [
    // CI runs as root, for whom Chromium has no sandbox.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--disable-quic',
    `--host-resolver-rules=${rules.join(', ')}`,
    ...(certificate === undefined
      ? []
      : [`--ignore-certificate-errors-spki-list=${spkiDigest(certificate)}`]),
  ]
}

/** SHA-256 over the certificate's public key, as HTTP public key pinning wrote it. */
function spkiDigest(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('base64')
}
