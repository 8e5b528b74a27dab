import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { commandsIn } from '../../deploy/support/guide.ts'
import { startKubernetesMcpServer } from '../../environment/kubernetes-mcp-server.ts'
import { signIn } from '../../environment/sign-in.ts'
import { startEntra, startGateway } from '../../support/gateway.ts'
import { startCluster } from '../support/cluster.ts'
import { installedProgram, nodeFromVersion22 } from '../support/installed-program.ts'

const page = new URL('../../../deploy/guides/own-token.md', import.meta.url)

test("the Inspector's line in the guide calls with one's own token", async (t) => {
  const line = commandsIn(readFileSync(page, 'utf8')).find((block) =>
    block.startsWith('npx @modelcontextprotocol/inspector@2 '),
  )
  assert.ok(line)
  const entra = await startEntra(t)
  const cluster = await startCluster(entra)
  t.after(() => cluster.close())
  const server = await startKubernetesMcpServer({ cluster })
  t.after(() => server.close())
  const { url } = await startGateway(t, { entra, upstream: server.url })
  const { access_token: token } = await signIn(entra, 'alice')
  const folder = mkdtempSync(join(tmpdir(), 'rolecall-npx-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const program = installedProgram(
    '@modelcontextprotocol/inspector',
    'clients/launcher/build/index.js',
  )
  // What npx would fetch and run is here already.
  const npx = `#!/bin/sh\nshift\nexec "${nodeFromVersion22()}" "${program}" "$@"\n`
  writeFileSync(join(folder, 'npx'), npx, { mode: 0o755 })
  const said = await new Promise<string>((resolve) => {
    const environment = {
      HOME: folder,
      MCP_STORAGE_DIR: folder,
      MCP_INSPECTOR_SECRET_STORE: 'file',
      PATH: [folder, process.env['PATH']].join(delimiter),
      TOKEN: token,
    }
    const script = line.replace('https://mcp.example.com/mcp', url)
    execFile('bash', ['-c', script], { env: environment }, (_error, out, err) => resolve(out + err))
  })
  assert.match(said, /User \\*"alice@contoso\.test\\*" cannot list/)
})
