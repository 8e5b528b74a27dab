import { Agent, request } from 'undici'
import type { Config, ResourceConfig } from '../../config/config.ts'
import { errorCode } from '../../net/error-code.ts'
import { parseObject } from '../../oauth/json.ts'
import { resourceMetadataUrl } from '../../oauth/metadata/resource-metadata.ts'
import type { DoctorCheck } from './report.ts'

const PATIENCE_MS = 5_000
const MOST_BYTES = 65_536

/**
 * Whether `public_url` leads to a rolecall with this resource, seen from here. Only a warning: users
 * may reach it where this machine does not, and nothing may be served yet.
 */
export async function publicUrlCheck(
  resource: ResourceConfig,
  { public_url: publicUrl }: Pick<Config, 'public_url'>,
): Promise<DoctorCheck> {
  const about = { name: 'public_url', resource: resource.name }
  const url = resourceMetadataUrl(publicUrl, resource.path)
  const problem = await problemAt(url, `${publicUrl}${resource.path}`)
  if (problem === undefined) {
    return { ...about, verdict: 'ok', sentence: `${url} describes this resource.` }
  }
  return {
    ...about,
    verdict: 'warning',
    sentence: `${url} ${problem}.`,
    remedy:
      'Check that public_url is what clients use, that DNS and ingress lead it here, and that rolecall is running. From inside a cluster it may be out of reach.',
  }
}

async function problemAt(url: string, expected: string): Promise<string | undefined> {
  const agent = new Agent({ connect: { timeout: PATIENCE_MS, rejectUnauthorized: true } })
  try {
    const response = await request(url, {
      dispatcher: agent,
      signal: AbortSignal.timeout(PATIENCE_MS),
      headers: { accept: 'application/json' },
    })
    response.body.on('error', () => undefined)
    if (response.statusCode !== 200) {
      response.body.destroy()
      return `answers ${response.statusCode}`
    }
    return (await resourceIn(response.body)) === expected ? undefined : 'describes something else'
  } catch (error) {
    return `cannot be reached from here (${errorCode(error)})`
  } finally {
    await agent.destroy()
  }
}

async function resourceIn(body: AsyncIterable<Uint8Array>): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > MOST_BYTES) return undefined
    chunks.push(chunk)
  }
  return parseObject(Buffer.concat(chunks).toString('utf8'))?.['resource']
}
