import { explainToken, type TokenExplanation } from '../../access/explain-token.ts'
import type { Config, ProtectedResource } from '../../config/config.ts'
import { protectedResources } from '../../config/protected-resources.ts'
import type { IdentityProvider } from '../../issuer/identity-provider.ts'
import { texts } from '../../oauth/claims.ts'
import { readJwt } from '../../oauth/jwt.ts'
import { type CommandArguments, takeArguments, UsageError } from '../arguments.ts'
import { badUsage, type Command, type Terminal } from '../command.ts'
import { configurationFrom, configurationUsage } from '../configuration.ts'
import { providerWithKeys } from '../provider-keys.ts'
import { explainRequest } from '../request-story/explain-request.ts'
import { tokenOpener, whyUnopenable } from '../sealed-token.ts'
import { accessOf } from './access-of.ts'
import { explanationText } from './explanation-text.ts'
import { explainToolAt } from './fleet-tool.ts'
import { readToken } from './token-argument.ts'
import type { AskedTool, ToolExplanation } from './tool-explanation.ts'

const exitCodes: Readonly<Record<TokenExplanation['verdict'], number>> = {
  accepted: 0,
  refused: 1,
  undecided: 3,
}

const PATIENCE_MS = 10_000

/** Tells every check on one token. */
export const command: Command = explainCommand(PATIENCE_MS)

/** @param patience milliseconds to wait for the identity provider's keys */
export function explainCommand(patience: number): Command {
  return {
    summary: 'every check on one token: passed, failed or not reached, and why',
    usage: `Usage: rolecall explain [--config FILE] [--resource NAME] [--tool NAME] [FILE or -]
       rolecall explain --log FILE --request ID

Reads one token from standard input, or from FILE, and judges it as a request's would be. The token
is never an argument and is never printed. A token that rolecall sealed is opened with sealing_keys;
the store is not asked, so that nothing is known of what \`rolecall sessions end\` ended.
  --resource NAME  the resource to judge it for, or fleet; default: the one that its audience fits, or the
                   first
  --tool NAME      also try every tool rule on a call of this tool by this user and client; for the
                   fleet those of each cluster
  --read-only      the MCP server marks the tool readOnlyHint = true
  --writes         it does not
With --log no token is read: it tells in words what the log has of one request, who made it, which
check refused it, by which setting, and the remedy.
  --log FILE       a log of rolecall; - is standard input (kubectl logs ... | rolecall explain ...)
  --request ID     the X-Request-Id of an answer, the request_id of an error
Exit: 0 accepted (with --tool: and allowed, in the fleet on every cluster), 1 refused, 2 bad
configuration or usage, 3 cannot be decided (identity provider away, no sealing_keys, or a rule asks
for the tool's hint and none is given). With --log: 0 told, 1 the log has no line of that request.

${configurationUsage}`,
    run: (argv, terminal) => run(argv, terminal, patience),
  }
}

async function run(argv: readonly string[], terminal: Terminal, patience: number): Promise<number> {
  const own = takeArguments(argv, ownFlags)
  if (own instanceof UsageError) return misused(own, terminal)
  const { log, request } = own.values
  if (log !== undefined || request !== undefined) {
    const code = await explainRequest({ log, request }, terminal)
    return code instanceof UsageError ? misused(code, terminal) : code
  }
  const tool = askedTool(own.values)
  if (tool instanceof UsageError) return misused(tool, terminal)
  const token = await readToken(own.positionals, terminal)
  if (token instanceof UsageError) return misused(token, terminal)
  const configuration = configurationFrom(own.rest, terminal)
  if (configuration === undefined) return badUsage
  const { config } = configuration
  const resource = await pickResource(config, own.values['resource'], token)
  if (resource instanceof UsageError) return misused(resource, terminal)
  const unopenable = whyUnopenable(token, config)
  if (unopenable !== undefined) {
    terminal.stderr(`${unopenable.sentence} ${unopenable.remedy}\n`)
    return exitCodes.undecided
  }
  terminal.stderr('Fetching the keys of the identity provider ...\n')
  // It is tried again until patience ends; what stays the same is said once.
  const told = new Set<string>()
  const provider = await providerWithKeys(config, {
    patience,
    onEvent(event) {
      if (event.kind !== 'fetch_failed' || told.has(event.message)) return
      told.add(event.message)
      terminal.stderr(`${event.message}\n`)
    },
  })
  try {
    const explanation = await explainFor(resource, token, { config, provider })
    terminal.stdout(explanationText(explanation, resource, Date.now()))
    const session = explanation.checks.find(({ name }) => name === 'session')
    if (session?.verdict === 'passed' && config.store.redis_url !== undefined) {
      terminal.stderr(
        'The store was not asked, where `rolecall sessions end` writes what it ends.\n',
      )
    }
    const code = exitCodes[explanation.verdict]
    if (tool === undefined || explanation.verdict !== 'accepted') return code
    const aboutTools = await explainToolAt(resource, token, tool, { config, provider })
    terminal.stdout(aboutTools.map(({ lines }) => `\n${lines.join('\n')}\n`).join(''))
    return Math.max(...aboutTools.map(({ verdict }) => toolExitCodes[verdict]))
  } finally {
    provider.stop()
  }
}

const ownFlags = {
  resource: 'text',
  tool: 'text',
  'read-only': 'switch',
  writes: 'switch',
  log: 'text',
  request: 'text',
} as const

const toolExitCodes: Readonly<Record<ToolExplanation['verdict'], number>> = {
  allowed: 0,
  refused: 1,
  undecided: 3,
}

function askedTool(values: CommandArguments['values']): AskedTool | undefined | UsageError {
  const { tool: name, 'read-only': reads, writes } = values
  if (name === undefined) {
    const alone = reads !== undefined || writes !== undefined
    return alone ? new UsageError('--read-only and --writes are about a --tool NAME.') : undefined
  }
  if (reads !== undefined && writes !== undefined) {
    return new UsageError('Give --read-only or --writes, not both.')
  }
  const written = writes === undefined ? 'unknown' : 'writes'
  return { name, hint: reads === undefined ? written : 'read_only' }
}

function misused({ message }: UsageError, terminal: Terminal): number {
  terminal.stderr(`${message}\n`)
  return badUsage
}

/** Judges a token for one resource, now, by this machine's clock. */
export function explainFor(
  resource: ProtectedResource,
  token: string,
  at: { readonly config: Config; readonly provider: IdentityProvider },
): Promise<TokenExplanation> {
  return explainToken(token, accessOf(resource, at), Date.now)
}

async function pickResource(
  config: Config,
  name: string | undefined,
  token: string,
): Promise<ProtectedResource | UsageError> {
  const resources = protectedResources(config)
  const picked =
    name === undefined ? resourceOf(token, config) : resources.find((one) => one.name === name)
  if (picked) return picked
  const names = resources.map((one) => one.name).join(', ')
  return new UsageError(`There is no resource of that name; there are: ${names}.`)
}

/** The resource that a token is sealed for, where it is, and that its audience fits; or the first. */
function resourceOf(token: string, config: Config): ProtectedResource | undefined {
  const resources = protectedResources(config)
  const opened = resources.map((resource) => {
    const inside = tokenOpener(resource, config)?.open(token)
    return { resource, inside: inside?.token }
  })
  const sealedFor = opened.filter(({ inside }) => inside !== undefined)
  const inside = sealedFor[0]?.inside ?? token
  const candidates = sealedFor.length === 0 ? resources : sealedFor.map(({ resource }) => resource)
  const audiences = texts(readJwt(inside)?.claims ?? {}, 'aud')
  const fits = candidates.find((one) => one.audiences.some((it) => audiences.includes(it)))
  return fits ?? candidates[0]
}
