/**
 * oidc-provider, as far as tests use it. It brings no types, and those of DefinitelyTyped do not fit
 * the versions of Koa's parts that are installed here.
 */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  /** See docs/README.md of the package. */
  export type Configuration = Readonly<Record<string, unknown>>

  export interface TokenContext {
    readonly headers: IncomingMessage['headers']
    /** Of the answer. */
    readonly body: object
    /** Absent where no endpoint of its own was asked for. */
    readonly oidc?: { readonly route: string; readonly body?: Readonly<Record<string, unknown>> }
  }

  export interface Grant {
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
    destroy(): Promise<void>
  }

  export const interactionPolicy: {
    base(): { get(prompt: string): { readonly checks: { remove(name: string): void } } }
  }

  export class Provider {
    constructor(issuer: string, configuration: Configuration)
    readonly Grant: new (of: {
      accountId: string
      clientId: string
    }) => Grant
    use(middleware: (context: TokenContext, next: () => Promise<void>) => Promise<void>): void
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>
    interactionDetails(
      request: IncomingMessage,
      response: ServerResponse,
    ): Promise<{ readonly params: Readonly<Record<string, unknown>> }>
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Readonly<Record<string, unknown>>,
    ): Promise<void>
  }
}
