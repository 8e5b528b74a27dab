import { readFile, writeFile } from 'node:fs/promises'
import { chartReadme, completeSchema } from './chart-files.ts'

/** `npm run chart:files`: writes what the chart has from elsewhere, so that nobody copies by hand. */
const chart = new URL('rolecall/', import.meta.url)
const read = (path: string): Promise<string> => readFile(new URL(path, chart), 'utf8')

const values = await read('values.yaml')
await writeFile(new URL('README.md', chart), chartReadme(values))
const schema = completeSchema(
  await read('values.schema.json'),
  await read('../../config.schema.json'),
  values,
)
await writeFile(new URL('values.schema.json', chart), schema)
