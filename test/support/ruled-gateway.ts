import type { TestContext } from 'node:test'
import type { ResourceConfig } from '../../src/config/config.ts'
import { startBroker } from './broker-gateway.ts'
import type { Gateway, GatewayOptions } from './gateway.ts'
import { handedOut, sealingKey } from './handed-out.ts'
import { startToolServer, type ToolServer, type ToolServerOptions } from './tool-server.ts'

export type Rule = Partial<ResourceConfig['allow'][number]>

/** Rules with the defaults of the configuration. */
export function rulesOf(rules: readonly Rule[]): ResourceConfig['allow'] {
  return rules.map((rule) => ({ tools: ['*'], groups: [], clients: [], ...rule }))
}

/** A rolecall that hands out sealed tokens, with tool rules, before a server on the official SDK. */
export interface RuledGateway {
  readonly gateway: Gateway
  readonly server: ToolServer
  /** A token as this person holds it in this client, and the one inside. */
  tokenOf(person: string, client?: string): Promise<{ sealed: string; inside: string }>
}

export async function startRuled(
  t: TestContext,
  rules: readonly Rule[],
  server: ToolServerOptions,
  options: Partial<GatewayOptions> = {},
): Promise<RuledGateway> {
  const tools = await startToolServer(t, server)
  const { gateway } = await startBroker(t, {
    upstream: tools.url,
    ...options,
    config: { sealing_keys: [sealingKey], ...options.config },
    resource: { allow: rulesOf(rules), ...options.resource },
  })
  return {
    gateway,
    server: tools,
    async tokenOf(person, client = 'holmes') {
      const inside = await gateway.entra.mint({ person })
      return { inside, sealed: await handedOut(gateway, inside, undefined, client) }
    },
  }
}
