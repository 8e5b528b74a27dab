import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../environment/ports.ts'
import { CORE, startPinned } from '../pinned-process.ts'
import { HAPROXY } from '../results.ts'
import { asItIs, type Gateway, type Setup } from './gateway.ts'

/** HAProxy that verifies signature, issuer, audience and expiry of every request's token. */
export async function startHaproxy(setup: Setup): Promise<Gateway> {
  const port = await freePort()
  const key = join(setup.folder, 'haproxy-key.pem')
  const file = join(setup.folder, 'haproxy.cfg')
  await writeFile(key, setup.publicKey)
  await writeFile(file, configuration(setup, port, key))
  const pid = await startPinned(CORE.measured, ['haproxy', '-db', '-f', file], { port })
  const url = `http://127.0.0.1:${port}${new URL(setup.upstream).pathname}`
  return { name: HAPROXY, url, pid, hold: asItIs, judges: true, onV8: false }
}

function configuration({ upstream, issuer, audience }: Setup, port: number, key: string): string {
  return `global
  nbthread 1
  maxconn 4096
  tune.bufsize 32768
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
frontend clients
  bind 127.0.0.1:${port}
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"${key}") 1 }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_payload_query('$.iss') -m str ${issuer} }
  http-request deny deny_status 401 unless { var(txn.bearer),jwt_payload_query('$.aud') -m str ${audience} }
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  default_backend behind
backend behind
  server upstream ${new URL(upstream).host}
`
}
