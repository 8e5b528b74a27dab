import { setTimeout as delay } from 'node:timers/promises'
import { type Child, describeExit } from '../../environment/child-process.ts'
import type { Send } from '../../environment/trusting-fetch.ts'

/** Milliseconds that one answer may take. */
const ANSWER_TIMEOUT = 5_000

/**
 * Waits until a program that was started answers 200 there.
 *
 * @param within milliseconds
 * @throws when it ends or stays silent; the message has its last lines
 */
export async function untilItAnswers(
  child: Child,
  { fetch, url, within }: { readonly fetch: Send; readonly url: string; readonly within: number },
): Promise<void> {
  const deadline = Date.now() + within
  let ended: string | undefined
  void child.exited.then((exit) => {
    ended = describeExit(exit)
  })
  while (!(await answers(fetch, url))) {
    if (ended !== undefined) throw new Error(`it did not start: ${ended}`)
    if (Date.now() > deadline) throw new Error(`${url} did not answer in ${within / 1000} s`)
    await delay(50)
  }
}

async function answers(fetch: Send, url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT) })
    await answer.body?.cancel()
    return answer.ok
  } catch {
    return false
  }
}
