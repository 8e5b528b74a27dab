/**
 * Tries to have what some tests need. Where it cannot be had, the tests that need it are skipped and
 * say why; with `CI=true` that is a failure.
 *
 * @returns the thing, or `skip`: the reason, for a test's options
 * @throws with `CI=true`, what `find` threw
 */
export async function needed<T>(
  find: () => Promise<T>,
): Promise<{ readonly found: T; readonly skip: false } | { readonly skip: string }> {
  try {
    return { found: await find(), skip: false }
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    return { skip: error instanceof Error ? error.message : String(error) }
  }
}
