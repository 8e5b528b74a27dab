const RESUMED =
  'streams of the fleet cannot be resumed, since nothing of them is kept and any replica can answer'
const SUBSCRIBED = 'there are no subscriptions to single resources'
const TOOLS_ALONE = 'clients are told of changed tools, and find changed prompts at their next list'
const IN_WORDS =
  'a cluster that asks for what this client cannot give is a tool error in words, for the model'
const NO_SUCH_TOOL =
  'a tool that a cluster does not have is a tool error that names those it has, for the model'

/** Why what passes at a server need not pass at the fleet, by how the ids of its checks begin. */
export const MEANT_AT_FLEET: Readonly<Record<string, string>> = {
  'server-sse-': RESUMED,
  'resources-subscribe': SUBSCRIBED,
  'resources-unsubscribe': SUBSCRIBED,
  'sep-2575-server-sends-prompts-list-changed-': TOOLS_ALONE,
  'sep-2575-missing-capability-': IN_WORDS,
  'sep-2575-server-rejects-undeclared-capability': IN_WORDS,
  'sep-2322-validate-input-responses': NO_SUCH_TOOL,
  'sep-2322-error-on-protocol-error': NO_SUCH_TOOL,
}
