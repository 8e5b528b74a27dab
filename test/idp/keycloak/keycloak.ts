import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, loopbackNames } from '../../environment/certificates.ts'
import { startChild } from '../../environment/child-process.ts'
import { freePort } from '../../environment/ports.ts'
import { type Send, trustingFetch } from '../../environment/trusting-fetch.ts'
import { untilItAnswers } from '../support/until-it-answers.ts'
import { connectAdmin, type KeycloakAdmin } from './admin.ts'

/** A running Keycloak with the realm of the tests. */
export interface Keycloak {
  readonly origin: string
  /** PEM: the authority of its certificate. */
  readonly certificateAuthority: string
  /** Trusts that authority. */
  readonly fetch: Send
  readonly admin: KeycloakAdmin
  close(): Promise<void>
}

/** Milliseconds. It takes 12 s on an idle machine with two cores, and 45 s on a busy one. */
const START_TIMEOUT = 180_000
const username = 'admin'

/**
 * Starts Keycloak on loopback with TLS and nothing in it but its administrator: all is in its memory
 * (448 MB), and gone with it. Java is started by ourselves, since kc.sh would stay before it as the
 * process that is ended.
 *
 * @param folder of a distribution that is built; nothing is written there
 * @throws when it ends or stays silent; the message has its last lines
 */
export async function startKeycloak(folder: string): Promise<Keycloak> {
  const home = await mkdtemp(join(tmpdir(), 'rolecall-keycloak-'))
  const authority = await createAuthority('Keycloak')
  const { certificate, key } = await authority.issue({ names: loopbackNames })
  const tls = { certificate: join(home, 'tls.crt'), key: join(home, 'tls.key') }
  await writeFile(tls.certificate, certificate)
  await writeFile(tls.key, key, { mode: 0o600 })
  const origin = `https://127.0.0.1:${await freePort()}`
  const password = randomBytes(16).toString('hex')
  const child = await startChild({
    command: 'java',
    arguments: [...virtualMachine(folder, home), ...serverOptions(origin, tls)],
    environment: {
      PATH: process.env['PATH'],
      HOME: home,
      KC_BOOTSTRAP_ADMIN_USERNAME: username,
      KC_BOOTSTRAP_ADMIN_PASSWORD: password,
    },
  })
  const close = async (): Promise<void> => {
    await child.close()
    await rm(home, { recursive: true, force: true })
  }
  const fetch = trustingFetch(authority.certificate)
  try {
    await untilItAnswers(child, { fetch, url: `${origin}/realms/master`, within: START_TIMEOUT })
  } catch (error) {
    await close()
    throw error
  }
  const admin = connectAdmin({ origin, username, password, fetch })
  return { origin, certificateAuthority: authority.certificate, fetch, admin, close }
}

/** As kc.sh starts it, with less memory and the quick compiler alone. */
function virtualMachine(folder: string, home: string): readonly string[] {
  const opened = ['java.util', 'java.util.concurrent', 'java.security', 'java.lang']
  return [
    '-Xms64m',
    '-Xmx384m',
    '-XX:MaxMetaspaceSize=256m',
    '-XX:TieredStopAtLevel=1',
    '-XX:+ExitOnOutOfMemoryError',
    `-Djava.io.tmpdir=${home}`,
    '-Dfile.encoding=UTF-8',
    '-Duser.language=en',
    ...opened.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
    `-Dkc.home.dir=${folder}`,
    `-Djboss.server.config.dir=${join(folder, 'conf')}`,
    '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
    '-Dpicocli.disable.closures=true',
    `-Dquarkus.transaction-manager.object-store.directory=${join(home, 'transactions')}`,
    '-cp',
    join(folder, 'lib', 'quarkus-run.jar'),
    'io.quarkus.bootstrap.runner.QuarkusEntryPoint',
  ]
}

function serverOptions(
  origin: string,
  tls: { readonly certificate: string; readonly key: string },
): readonly string[] {
  return [
    'start',
    '--optimized',
    '--cache=local',
    // Without it the issuer is whatever the Host header says.
    `--hostname=${origin}`,
    '--http-host=127.0.0.1',
    `--https-port=${new URL(origin).port}`,
    `--https-certificate-file=${tls.certificate}`,
    `--https-certificate-key-file=${tls.key}`,
    '--log-level=warn',
  ]
}
