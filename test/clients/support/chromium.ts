import { createHash, X509Certificate } from 'node:crypto'
import { access } from 'node:fs/promises'
import { type Browser, chromium } from 'playwright-core'

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
  { hosts = {}, certificate }: ChromiumOptions = {},
): Promise<Browser> {
  const rules = [
    ...Object.entries(hosts).map(([host, port]) => `MAP ${host}:443 127.0.0.1:${port}`),
    'MAP * ~NOTFOUND',
    'EXCLUDE localhost',
    'EXCLUDE 127.0.0.1',
  ]
  return chromium.launch({
    executablePath,
    args: [
      // CI runs as root, for whom Chromium has no sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-quic',
      `--host-resolver-rules=${rules.join(', ')}`,
      ...(certificate === undefined
        ? []
        : [`--ignore-certificate-errors-spki-list=${spkiDigest(certificate)}`]),
    ],
  })
}

/** SHA-256 over the certificate's public key, as HTTP public key pinning wrote it. */
function spkiDigest(certificate: string): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('base64')
}
