/** Where parts say how they are ended. */
export interface Closing {
  after(closer: () => unknown): void
}

/**
 * Starts what has several parts. They are ended in the opposite order, also when one of them does
 * not start.
 *
 * @throws as `start` does
 */
export async function closable<T extends object>(
  start: (closing: Closing) => Promise<T>,
): Promise<T & { close(): Promise<void> }> {
  const closers: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    return { ...(await start({ after: (closer) => void closers.push(closer) })), close }
  } catch (error) {
    await close()
    throw error
  }
}
