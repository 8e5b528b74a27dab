import type { Config } from '../../config/config.ts'
import { ruleWords } from '../../tool-rules/rule-words.ts'

/** What the tool rules of each resource let whom do; nothing where there are none. */
export function toolRulesInWords({ resources }: Config): readonly string[] {
  return resources
    .filter(({ allow }) => allow.length > 0)
    .flatMap(({ name, allow, rules }) => [
      '',
      `Tools at resource ${name}, ${rules === 'shadow' ? 'in shadow mode: no call is refused' : 'and no others'}:`,
      ...allow.map((rule, index) => `  ${index + 1}. ${ruleWords(rule)}`),
      ...(allow.some(({ hint }) => hint !== undefined)
        ? ["  What only reads is the MCP server's word; RBAC remains the guard."]
        : []),
    ])
}
