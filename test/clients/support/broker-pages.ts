import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Page } from 'playwright-core'
import type { Gateway } from '../../support/gateway.ts'

/** What a client says of itself when it registers, and where it is answered. */
export interface Registering {
  readonly client_name?: string
  readonly redirect_uri: string
}

/** The address that a client sends its person to, after it registered. */
export async function authorizeUrl(
  { origin }: Gateway,
  { redirect_uri, ...metadata }: Registering,
): Promise<string> {
  const response = await fetch(`${origin}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...metadata, redirect_uris: [redirect_uri] }),
  })
  const { client_id } = (await response.json()) as { client_id?: string }
  assert.equal(response.status, 201)
  const query = new URLSearchParams({
    client_id: client_id ?? '',
    redirect_uri,
    response_type: 'code',
    state: 'the-state',
    code_challenge: createHash('sha256').update('verifier').digest('base64url'),
    code_challenge_method: 'S256',
  })
  return `${origin}/oauth/authorize?${query}`
}

/** Presses Allow on our page; the provider asks for the account. */
export async function allow(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.getByRole('heading', { name: 'Pick an account' }).waitFor()
}

/** Presses Go on, on our page after the provider. */
export async function goOn(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Go on' }).click()
}

/** Presses a button at the provider, once it asks for the account. */
export async function pressAtProvider(page: Page, name: RegExp): Promise<void> {
  await page.getByRole('heading', { name: 'Pick an account' }).waitFor()
  await page.getByRole('button', { name }).click()
}
