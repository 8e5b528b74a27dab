const MASK = '********'
/** Of a text, in a line; what is longer is cut. */
const LONGEST_TEXT_CHARACTERS = 2000
const LONGEST_JSON_BYTES = 65_536
const DEEPEST = 20

const secretName =
  /pass(?:wd|word|phrase)?$|secret|token|credential|authorization|cookie|api[-_]?key|private[-_]?key|access[-_]?key|client[-_]?key|kubeconfig|^auth$|^bearer$/i

/** Where a Kubernetes Secret is written as text (YAML or JSON) all of it is masked. */
const secretManifest = /\bkind["']?\s*:\s*["']?Secret\b/

const secretTexts: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, MASK],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)*/g, MASK],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${MASK}`],
  [/(:\/\/[^\s/:@]{0,200}:)[^\s/@]{1,500}@/g, `$1${MASK}@`],
  [
    /(["']?[\w-]{0,40}(?:password|passwd|secret|token|api[-_]?key)["']?\s*[:=]\s*)(?:"[^"]*"|'[^']*'|[^\s,;&]+)/gi,
    `$1${MASK}`,
  ],
]

/**
 * A tool's arguments for an audit line, secrets masked: what is named like one, what looks like a
 * token or key, and Kubernetes Secrets. Bounded in length and depth. A mask is a guess: an argument
 * that says a secret in plain words passes, which is why no argument is logged by default.
 *
 * @param json the arguments as they stand in the body
 */
export function maskedArguments(json: string): unknown {
  if (json.length > LONGEST_JSON_BYTES) return `(${json.length} characters)`
  return masked(JSON.parse(json), 0)
}

function masked(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return maskedText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth === DEEPEST) return '…'
  if (Array.isArray(value)) return value.map((item) => masked(item, depth + 1))
  const isSecret = 'kind' in value && value.kind === 'Secret'
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const hidden = secretName.test(name) || (isSecret && /^(data|stringData)$/.test(name))
      return [name, hidden ? MASK : masked(member, depth + 1)]
    }),
  )
}

function maskedText(text: string): string {
  if (secretManifest.test(text)) return MASK
  let shown = text
  for (const [pattern, mask] of secretTexts) shown = shown.replace(pattern, mask)
  if (shown.length <= LONGEST_TEXT_CHARACTERS) return shown
  return `${shown.slice(0, LONGEST_TEXT_CHARACTERS)}…`
}
