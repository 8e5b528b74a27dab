import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { ProviderCredential } from '../../../src/config/config.ts'
import { type Client, holmes } from '../../environment/mock-entra/directory.ts'
import { createWorkload, rsaCertificate } from '../../support/client-credentials.ts'
import { registeredConfig, startEntra } from '../../support/gateway.ts'
import {
  codeFor,
  codeForm,
  postToken,
  refreshForm,
  signedIn,
  startRelay,
  type TokenReply,
} from '../../support/relay-gateway.ts'
import { tapTokenEndpoint } from '../../support/token-tap.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecall-credential-'))
})
after(() => rm(folder, { recursive: true }))

async function written(name: string, text: string): Promise<string> {
  const file = join(folder, name)
  await writeFile(file, text)
  return file
}

/** A relay with this credential, before a mock that knows the app with this change. */
async function start(
  t: TestContext,
  credential: ProviderCredential,
  { app = {}, untapped = false }: { app?: Partial<Client>; untapped?: boolean } = {},
) {
  const entra = await startEntra(t, { clients: [{ ...holmes, ...app }] })
  const tap = untapped ? undefined : await tapTokenEndpoint(t, entra)
  const gateway = await startRelay(t, {
    entra,
    config: {
      identity_provider: registeredConfig(entra, { credential }),
    },
  })
  return { entra, tap, gateway }
}

const oldSecret = holmes.client_secret ?? ''
const newSecret = 'the-secret-after-the-rotation'

function assertKept(reply: TokenReply): void {
  assert.deepEqual([reply.status, reply.body['error']], [503, 'temporarily_unavailable'])
}

test('a secret file that is replaced counts from the next redemption on, and sessions go on', async (t) => {
  const file = await written('secret', `${oldSecret}\n`)
  const { gateway, entra } = await start(t, { kind: 'secret', secret: oldSecret, file })
  const { refresh } = await signedIn(gateway, 'alice')
  const code = await codeFor(entra, 'alice')
  entra.changeSecret(holmes.client_id, newSecret)
  assertKept(await postToken(gateway, codeForm(code)))
  assertKept(await postToken(gateway, refreshForm(refresh)))
  await written('secret', `${newSecret}\n`)
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
})

test('a secret is replaced as Kubernetes does it: by another link', async (t) => {
  const versions = [await written('..v1', oldSecret), await written('..v2', newSecret)]
  const file = join(folder, 'linked')
  await symlink(versions[0] ?? '', file)
  const { gateway, entra } = await start(t, { kind: 'secret', secret: oldSecret, file })
  const { refresh } = await signedIn(gateway, 'alice')
  entra.changeSecret(holmes.client_id, newSecret)
  await symlink(versions[1] ?? '', join(folder, '..next'))
  await rename(join(folder, '..next'), file)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
})

test('a secret that a reload brings counts at once; clients that show the one before are refused', async (t) => {
  const { gateway, entra } = await start(t, { kind: 'secret', secret: oldSecret })
  const { refresh } = await signedIn(gateway, 'alice')
  entra.changeSecret(holmes.client_id, newSecret)
  assertKept(await postToken(gateway, refreshForm(refresh)))
  const { identity_provider: provider } = gateway.config
  const credential = { kind: 'secret', secret: newSecret } as const
  const identityProvider = { ...provider, credential }
  await gateway.service.reload({ ...gateway.config, identity_provider: identityProvider })
  const old = await postToken(gateway, refreshForm(refresh, { client_secret: oldSecret }))
  assert.deepEqual([old.status, old.body['error']], [401, 'invalid_client'])
  const shown = await postToken(gateway, refreshForm(refresh, { client_secret: newSecret }))
  assert.equal(shown.status, 200)
})

test('a secret file that is gone, empty or a folder is 503 and an error line that names the setting', async (t) => {
  const file = await written('vanishing', oldSecret)
  const { gateway, tap } = await start(t, { kind: 'secret', secret: oldSecret, file })
  const { refresh } = await signedIn(gateway, 'alice')
  const asked = tap?.received.length
  await rm(file)
  const gone = await postToken(gateway, refreshForm(refresh))
  assertKept(gone)
  const line = await gateway.logged(({ level }) => level === 'error')
  assert.match(
    String(line['msg']),
    /identity_provider\.client_secret_file cannot be read \(ENOENT\)/,
  )
  assert.doesNotMatch(JSON.stringify([gone.body, line]), new RegExp(folder))
  await written('vanishing', '\n')
  assertKept(await postToken(gateway, refreshForm(refresh)))
  await rm(file)
  await symlink(folder, file)
  assertKept(await postToken(gateway, refreshForm(refresh)))
  assert.equal(tap?.received.length, asked, 'nothing is asked without a credential')
  await rm(file)
  await written('vanishing', oldSecret)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
})

test('a certificate that is replaced counts from the next redemption on, and sessions go on', async (t) => {
  const [known, unknown] = await Promise.all([rsaCertificate(), rsaCertificate()])
  const write = async (pair: typeof known) => ({
    kind: 'certificate' as const,
    ...pair,
    certificate_file: await written('tls.crt', pair.certificate),
    key_file: await written('tls.key', pair.key),
  })
  const credential = await write(known)
  const app = { certificates: [known.certificate] }
  // Straight to the mock: an assertion names the endpoint that it was made for.
  const { gateway, entra } = await start(t, credential, { app, untapped: true })
  const { refresh } = await signedIn(gateway, 'alice')
  const code = await codeFor(entra, 'alice')
  await write(unknown)
  const refused = await postToken(gateway, codeForm(code))
  assertKept(refused)
  assert.match(String(refused.body['error_description']), /AADSTS700027/)
  assertKept(await postToken(gateway, refreshForm(refresh)))
  await written('tls.key', 'half of a renewal')
  assertKept(await postToken(gateway, refreshForm(refresh)))
  await write(known)
  assert.equal((await postToken(gateway, codeForm(code))).status, 200)
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
})

test('the token of a workload is read for every redemption', async (t) => {
  const workload = createWorkload()
  const tokens = [await workload.token({ jti: 'one' }), await workload.token({ jti: 'two' })]
  const file = await written('workload-token', tokens[0] ?? '')
  const { gateway, tap } = await start(
    t,
    { kind: 'federated_token', file },
    { app: { federated_credentials: [workload.credential] } },
  )
  const { refresh } = await signedIn(gateway, 'alice')
  await written('workload-token', tokens[1] ?? '')
  assert.equal((await postToken(gateway, refreshForm(refresh))).status, 200)
  assert.deepEqual(
    tap?.forms().map((form) => form.get('client_assertion')),
    tokens,
  )
})
