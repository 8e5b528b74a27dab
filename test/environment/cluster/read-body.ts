/**
 * A request's whole body; `undefined` when it is too long or its sender leaves.
 *
 * @param most bytes
 */
export async function readBody(
  request: AsyncIterable<Buffer>,
  most: number,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request) {
      bytes += chunk.length
      // Read to its end all the same: to break off would cut the connection before the answer.
      if (bytes <= most) chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return bytes > most ? undefined : Buffer.concat(chunks)
}
