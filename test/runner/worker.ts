/**
 * A process that runs test files one after the other, each in a suite of its own, so that what a
 * file asks to be done before or after its tests is done around these alone. Loading the app is paid
 * for once. `reporter.ts`, which runs here too, tells the parent what comes of the tests.
 */
import { resolve } from 'node:path'
import { describe } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Message, Order } from './messages.ts'

process.on('message', (order: Order) => {
  if (order.kind === 'end') end(order.patience)
  else describe(order.file, () => import(pathToFileURL(resolve(order.file)).href).then(() => {}))
})
tell({ kind: 'waiting' })

/** Lets the process end by itself; what holds it is a failure, as nobody closed it. */
function end(patience: number): void {
  process.channel?.unref()
  setTimeout(() => {
    const held = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap')
    const text = `a test left something open: ${held.join(', ')}`
    tell({ kind: 'result', result: { file: '', path: [], outcome: 'fail', text } })
    process.exit(1)
  }, patience).unref()
}

function tell(message: Message): void {
  process.send?.(message)
}
