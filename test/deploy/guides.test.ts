import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createAuthority } from '../environment/certificates.ts'
import type { Cluster } from '../environment/cluster/cluster.ts'
import { type MockEntra, startMockEntra } from '../environment/mock-entra/mock-entra.ts'
import { signIn } from '../environment/sign-in.ts'
import { onRealCluster } from '../real/availability.ts'
import { type ApiServer, connectApiServer } from './support/api-server.ts'
import { withHelm } from './support/availability.ts'
import { commandsIn, prepareFolder, runScript } from './support/guide.ts'
import { filledPreset, PRESETS } from './support/presets.ts'
import { startTrustingCluster } from './support/trusting-cluster.ts'

const pair = await (await createAuthority('Guides')).issue({ names: ['mcp.example.com'] })

/** What each page has people write into files, where it needs them. */
const FILES: Readonly<Record<string, string>> = {
  'values.yaml': filledPreset('structured-authentication'),
  'client-secret': 'hunter2',
  'redis-url': 'rediss://redis:6380',
  'tls.crt': pair.certificate,
  'tls.key': pair.key,
}

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url))

interface Guide {
  readonly page: string
  /** Written into the presets before, as the page says. */
  readonly filled?: boolean
  /** What is printed. */
  readonly said?: RegExp
  /** What programs that are not here were asked, in order. */
  readonly asked: readonly RegExp[]
}

/** In an order in which each finds what it needs: the first makes the namespace. */
const GUIDES: readonly Guide[] = [
  {
    page: 'any-oidc-cluster',
    said: /^Username +alice@contoso\.test$/m,
    asked: [/^docker build -t reg\/rolecall:0\.1\.0 \.$/, /^docker push reg\/rolecall:0\.1\.0$/],
  },
  {
    page: 'own-token',
    filled: true,
    asked: [/^rolecall explain /, /^npx @modelcontextprotocol\/inspector@2 .*Bearer ey/],
  },
  {
    page: 'aks-with-every-client',
    asked: [/^ad app create /, /^claude mcp add .* https:\/\/mcp\.example\.com\/mcp$/],
  },
  {
    page: 'laptop-with-kind',
    filled: true,
    asked: [
      /^kind create cluster --config \S+$/,
      /^docker build /,
      /^kind load /,
      /^claude mcp add /,
    ],
  },
  {
    page: 'kind-with-the-mock',
    asked: [
      /^kind create cluster --config \S+kind-with-mock\/cluster\.yaml$/,
      /^docker build -f \S+Dockerfile -t rolecall-mock:0\.1\.0 \.$/,
      /^kind load docker-image rolecall:0\.1\.0 rolecall-mock:0\.1\.0$/,
      /^claude mcp add .* http:\/\/localhost:8080\/mcp$/,
    ],
  },
]

onRealCluster('the guides', () => {
  withHelm('the guides', () => {
    const toClose: (() => unknown)[] = []
    const folders: string[] = []
    let entra: MockEntra
    let cluster: Cluster
    let api: ApiServer
    let accessToken: string

    before(async () => {
      const adminToken = 'for-this-test-only'
      entra = await startMockEntra()
      toClose.push(() => entra.close())
      cluster = await startTrustingCluster(entra, { 'team-a': 'a', 'team-b': 'b' }, adminToken)
      toClose.push(() => cluster.close())
      const { server, certificateAuthority } = cluster
      api = connectApiServer({ server, certificateAuthority, adminToken })
      toClose.push(() => api.close())
      accessToken = (await signIn(entra, 'alice')).access_token
    })
    after(async () => {
      for (const close of toClose.reverse()) await close()
      for (const folder of folders) rmSync(folder, { recursive: true })
    })

    /** A folder as people have it who wrote what the page tells them to. */
    function folderFor({ filled = false }: Guide): string {
      const folder = mkdtempSync(join(tmpdir(), 'rolecall-guide-'))
      folders.push(folder)
      cpSync(deploy, join(folder, 'deploy'), { recursive: true })
      const { tenantId } = entra
      prepareFolder(folder, { kubeconfig: api.kubeconfig, tenantId, accessToken })
      for (const name of filled ? PRESETS : []) {
        writeFileSync(join(folder, `deploy/presets/${name}.yaml`), filledPreset(name))
      }
      for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text)
      return folder
    }

    for (const guide of GUIDES) {
      const { page, asked, said = /./ } = guide
      test(`the commands of ${page}.md run`, () => {
        const folder = folderFor(guide)
        const commands = commandsIn(readFileSync(join(deploy, `guides/${page}.md`), 'utf8'))
        const variables = { TOKEN: accessToken, REGISTRY: 'reg' }
        const { status, stdout, stderr } = runScript(commands.join('\n'), folder, variables)
        assert.equal(status, 0, `${stdout}\n${stderr}`)
        assert.match(stdout, said)
        const log = readFileSync(join(folder, 'log'), 'utf8').split('\n')
        const missing = asked.filter((words) => !log.some((line) => words.test(line)))
        assert.deepEqual(missing, [], log.join('\n'))
        const namespace = page.includes('kind') ? 'default' : 'rolecall'
        const remove = [
          `helm uninstall rolecall --namespace ${namespace}`,
          `kubectl --namespace ${namespace} delete secrets --all`,
        ]
        const removed = runScript(remove.join('\n'), folder)
        assert.equal(removed.status, 0, removed.stderr)
      })
    }
  })
})
