import { readFile, writeFile } from 'node:fs/promises'
import { chartReadme, withConfigSchema } from './chart-files.ts'

/** `npm run chart:files`: writes what the chart has from elsewhere, so that nobody copies by hand. */
const chart = new URL('rolecall/', import.meta.url)
const read = (path: string): Promise<string> => readFile(new URL(path, chart), 'utf8')

await writeFile(new URL('README.md', chart), chartReadme(await read('values.yaml')))
const schema = withConfigSchema(
  await read('values.schema.json'),
  await read('../../config.schema.json'),
)
await writeFile(new URL('values.schema.json', chart), schema)
