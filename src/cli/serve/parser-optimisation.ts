import { setFlagsFromString } from 'node:v8'

/**
 * undici reads HTTP by one large function of WebAssembly, which V8 optimises after it ran for a while:
 * 70 ms of processor time, and 12 MB that malloc keeps ever after (Node 24). The few answers that a start
 * asks the provider for were enough. With a hundred times V8's own budget it happens after some hundred calls.
 * To be set before the first connection.
 */
export function optimiseParserLater(): void {
  setFlagsFromString('--wasm-tiering-budget=1300000000')
}
