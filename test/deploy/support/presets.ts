import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../../../deploy/presets/', import.meta.url)

/** What people write in place of what stands in angle brackets. */
const WRITTEN: Readonly<Record<string, string>> = {
  TENANT_ID: '11111111-2222-4333-8444-555555555555',
  CLIENT_ID: '22222222-3333-4444-8555-666666666666',
  GROUP_ID: '33333333-4444-4555-8666-777777777777',
  REGISTRY: 'myregistry',
  MCP_HOST: 'mcp.example.com',
  ISSUER: 'idp.example.com/realms/main',
  KEYCLOAK_HOST: 'keycloak.example.com',
  REALM: 'main',
  DEX_HOST: 'dex.example.com',
  PROD_EU_API_SERVER: 'prod-eu.hcp.westeurope.azmk8s.io',
  STAGING_API_SERVER: 'staging.hcp.westeurope.azmk8s.io',
  PROD_EU_CA: 'UHJvZCBFVQ==',
  STAGING_CA: 'U3RhZ2luZw==',
  MOCK_CA: 'TW9jaw==',
}

/** The names of all values files for the chart, without their ending. */
export const PRESETS: readonly string[] = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.slice(0, -'.yaml'.length))

/** A file of deploy/presets as it is published. */
export function presetFile(path: string): string {
  return readFileSync(new URL(path, folder), 'utf8')
}

/** A preset as people have it once they wrote their own values. */
export function filledPreset(name: string, written: Partial<typeof WRITTEN> = {}): string {
  return filledIn(presetFile(`${name}.yaml`), written)
}

/** @throws for a placeholder that nobody knows */
export function filledIn(text: string, written: Partial<typeof WRITTEN> = {}): string {
  return text.replace(/<([A-Z_]+)>/g, (_whole, key: string) => {
    const value = written[key] ?? WRITTEN[key]
    if (value === undefined) throw new Error(`nothing is known to write for <${key}>`)
    return value
  })
}

/** The other way round: what people have still to write. */
export function placeholders(text: string): string {
  return Object.entries(WRITTEN)
    .filter(([, value]) => value.length > 'main'.length)
    .reduce((open, [key, value]) => open.replaceAll(value, `<${key}>`), text)
}
