import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { command as check } from '../../src/cli/check/check.ts'
import { recordingTerminal } from '../support/terminal.ts'
import { withHelm } from './support/availability.ts'
import { renderChart, renderNotes } from './support/helm.ts'
import { environmentOf, mountedFiles } from './support/mounted.ts'
import { objectOf } from './support/objects.ts'
import { filledPreset, PRESETS, presetFile } from './support/presets.ts'

const snapshot = (name: string): URL => new URL(`snapshots/${name}`, import.meta.url)

/** Equal to the file; with UPDATE_SNAPSHOTS it is written instead, and git shows what changed. */
function assertSnapshot(name: string, text: string): void {
  if (process.env['UPDATE_SNAPSHOTS']) writeFileSync(snapshot(name), text)
  assert.ok(
    existsSync(snapshot(name)),
    `no snapshot ${name}: UPDATE_SNAPSHOTS=1 npm run test:deploy`,
  )
  assert.equal(text, readFileSync(snapshot(name), 'utf8'))
}

/** The one warning that a preset is meant to have. */
const WARNED: Readonly<Record<string, RegExp>> = {
  'single-cluster': /^warning: .*upstream_identity/,
  'bring-your-own-token': /^warning: sign_in\.mode is "off"/,
}

/** What no preset has. */
const OTHER_WAYS: readonly (readonly [string, string, object])[] = [
  [
    'a certificate for a credential',
    'aks-robusta-relay-secret',
    {
      clientCredential: {
        secret: { existingSecret: '' },
        certificate: { existingSecret: 'rolecall-certificate' },
      },
    },
  ],
  [
    "the store's password apart from its URL",
    'aks-robusta-broker-secret',
    {
      store: { passwordKey: 'password' },
      config: { store: { redis_url: 'rediss://redis.example.com:6380' } },
    },
  ],
  [
    "the provider's own authority",
    'structured-authentication',
    { certificateAuthority: { existingConfigMap: 'rolecall-authority' } },
  ],
]

withHelm('the presets', () => {
  test('there is one for each case that is promised', () => {
    assert.deepEqual([...PRESETS].sort(), [
      'aks-keycloak',
      'aks-robusta-broker-secret',
      'aks-robusta-broker-workload-identity',
      'aks-robusta-relay-secret',
      'aks-robusta-relay-workload-identity',
      'bring-your-own-token',
      'dex',
      'fleet',
      'kind',
      'kind-with-mock',
      'remediation',
      'several-clusters',
      'single-cluster',
      'structured-authentication',
    ])
  })

  for (const name of PRESETS) {
    test(`${name} renders as it did`, async () => {
      const values = filledPreset(name)
      const { text } = await renderChart({ values: [values] })
      assertSnapshot(`${name}.yaml`, text)
      assertSnapshot(`${name}.notes.txt`, await renderNotes([values]))
    })

    test(`rolecall check passes over ${name}, with the files that its pods find`, async () => {
      const { objects } = await renderChart({ values: [filledPreset(name)] })
      const files = mountedFiles(objects)
      const terminal = recordingTerminal(files, environmentOf(objects))
      const code = await check.run(['--config', '/etc/rolecall/rolecall.yaml'], terminal)
      assert.equal(code, 0, terminal.err())
      const warned = WARNED[name]
      if (warned === undefined) assert.equal(terminal.err(), '')
      else
        assert.deepEqual(
          [terminal.err().match(/^warning:/gm)?.length, warned.test(terminal.err())],
          [1, true],
        )
    })

    const published = presetFile(`${name}.yaml`)
    if (published !== filledPreset(name)) {
      test(`${name} as it is published is refused: ids are still to be written`, async () => {
        const wrong = renderChart({ values: [published] })
        await assert.rejects(wrong, /is not set|is still a placeholder/)
      })
    }
  }

  test('only what needs no account of anybody is complete as it is published', () => {
    const complete = PRESETS.filter((name) => presetFile(`${name}.yaml`) === filledPreset(name))
    assert.deepEqual(complete, ['kind-with-mock'])
  })

  for (const [what, name, changes] of OTHER_WAYS) {
    test(`rolecall check passes with ${what}`, async () => {
      const values = [filledPreset(name), JSON.stringify(changes)]
      const terminal = recordingTerminal(mountedFiles((await renderChart({ values })).objects))
      const code = await check.run(['--config', '/etc/rolecall/rolecall.yaml'], terminal)
      assert.equal(code, 0, terminal.err())
      assert.equal(terminal.err(), '')
    })
  }

  for (const region of ['', '.eu', '.ap']) {
    const uri = `https://platform${region}.robusta.dev/oauth/callback.html`
    test(`relay takes ${uri} as the one redirect URI`, async () => {
      const own = JSON.stringify({ config: { sign_in: { redirect_uris: [uri] } } })
      const values = [filledPreset('aks-robusta-relay-secret'), own]
      const { objects } = await renderChart({ values })
      const terminal = recordingTerminal(mountedFiles(objects))
      assert.equal(await check.run(['--config', '/etc/rolecall/rolecall.yaml'], terminal), 0)
      const told = terminal.out().slice(terminal.out().indexOf('Redirect URIs to register'))
      assert.deepEqual(told.match(/https:\S+/g), [uri])
    })
  }

  test('the URL in the values of HolmesGPT is the one that rolecall calls itself', async () => {
    const { objects } = await renderChart({ values: [filledPreset('aks-robusta-relay-secret')] })
    const configuration = objectOf(objects, 'ConfigMap', 'rolecall').data?.['rolecall.yaml'] ?? ''
    const url = /^public_url: (.+)$/m.exec(configuration)?.[1]
    for (const file of ['robusta/holmes-relay.yaml', 'robusta/robusta-relay.yaml']) {
      assert.match(presetFile(file), new RegExp(`url: ${url}/mcp$`, 'm'))
    }
  })
})
