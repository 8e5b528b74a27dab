import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { withHelm } from './support/availability.ts'
import { renderChart } from './support/helm.ts'
import { filledPreset, placeholders } from './support/presets.ts'

const folder = new URL('../../deploy/kubernetes/', import.meta.url)

/** For those without Helm: the chart's objects, without what only Helm knows what to do with. */
const MANIFESTS = {
  'relay.yaml': 'aks-robusta-relay-secret',
  'broker.yaml': 'aks-robusta-broker-secret',
}

const head = (preset: string, names: readonly string[]): string =>
  `# Made from the chart and deploy/presets/${preset}.yaml, where the Secrets are told that it needs:
# UPDATE_SNAPSHOTS=1 npm run test:deploy. Set ${names.map((name) => `<${name}>`).join(', ')}, then
#   kubectl create namespace holmes && kubectl apply -f FILE
`

async function manifest(preset: string): Promise<string> {
  const { text } = await renderChart({ values: [filledPreset(preset)], hooks: false })
  const plain = text.replace(/^ *(helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm, '')
  const open = placeholders(plain.replace(/^# Source: .*\n/gm, ''))
  const names = [...new Set([...open.matchAll(/<([A-Z_]+)>/g)].map(([, name = '']) => name))]
  return `${head(preset, names)}${open.replace(/\n{2,}---/g, '\n---')}`
}

withHelm('the manifests in deploy/kubernetes', () => {
  for (const [file, preset] of Object.entries(MANIFESTS)) {
    test(`${file} is what the chart makes of ${preset}`, async () => {
      const made = await manifest(preset)
      if (process.env['UPDATE_SNAPSHOTS']) writeFileSync(new URL(file, folder), made)
      assert.equal(readFileSync(new URL(file, folder), 'utf8'), made)
      assert.doesNotMatch(made, /helm/i)
    })
  }
})
