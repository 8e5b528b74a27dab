import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority, loopbackNames } from '../../environment/certificates.ts'
import { type Child, startChild } from '../../environment/child-process.ts'
import { freePort } from '../../environment/ports.ts'
import { type Send, trustingFetch } from '../../environment/trusting-fetch.ts'
import { untilItAnswers } from '../support/until-it-answers.ts'
import { configurationOf, type DexPlace, type DexSettings } from './configuration.ts'

/** A running dex. */
export interface Dex {
  readonly issuer: string
  /** PEM: the authority of its certificate. */
  readonly certificateAuthority: string
  /** Trusts that authority. */
  readonly fetch: Send
  /** Starts it anew at the same place with its keys, codes and sessions, and with other settings. */
  restart(settings?: DexSettings): Promise<void>
  close(): Promise<void>
}

/** Milliseconds. It takes less than a second on an idle machine. */
const START_TIMEOUT = 30_000

/**
 * Starts dex on loopback with TLS. What it keeps is in a folder that is gone with it.
 *
 * @param program its path
 * @throws when it ends or stays silent; the message has its last lines
 */
export async function startDex(program: string): Promise<Dex> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-dex-'))
  const authority = await createAuthority('Dex')
  const { certificate, key } = await authority.issue({ names: loopbackNames })
  await writeFile(join(folder, 'tls.crt'), certificate)
  await writeFile(join(folder, 'tls.key'), key, { mode: 0o600 })
  const place = { issuer: `https://127.0.0.1:${await freePort()}/dex`, folder }
  const fetch = trustingFetch(authority.certificate)
  let child: Child | undefined
  const restart = async (settings: DexSettings = {}): Promise<void> => {
    await child?.close()
    child = await startProgram(program, place, settings)
    await untilItAnswers(child, { fetch, url: `${place.issuer}/healthz`, within: START_TIMEOUT })
  }
  const close = async (): Promise<void> => {
    await child?.close()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await restart()
  } catch (error) {
    await close()
    throw error
  }
  return {
    issuer: place.issuer,
    certificateAuthority: authority.certificate,
    fetch,
    restart,
    close,
  }
}

async function startProgram(
  program: string,
  place: DexPlace,
  settings: DexSettings,
): Promise<Child> {
  const file = join(place.folder, 'configuration.yaml')
  // JSON is YAML.
  await writeFile(file, JSON.stringify(configurationOf(place, settings)), { mode: 0o600 })
  return startChild({
    command: program,
    arguments: ['serve', file],
    environment: { PATH: process.env['PATH'], HOME: place.folder },
  })
}
