import type { Report } from '../report/report.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What the environment tells Node.js to leave unchecked. Our own connections verify certificates all
 * the same; a lenient parser would undo what the listener refuses against request smuggling, which
 * nothing of ours could mend.
 */
export function judgeRuntime(environment: Environment, report: Report): void {
  if (environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0') {
    report.warnings.push({
      key: 'NODE_TLS_REJECT_UNAUTHORIZED',
      message:
        'is 0, which rolecall does not heed: it verifies the certificates of provider, upstreams, Redis and metadata documents; exporters of traces may heed it',
      remedy:
        'Remove it, and name your authority in certificate_authority_file or upstream_certificate_authority_file, for Redis in NODE_EXTRA_CA_CERTS.',
    })
  }
  if (/--insecure-http-parser\b/.test(environment['NODE_OPTIONS'] ?? '')) {
    report.add({
      key: 'NODE_OPTIONS',
      message: 'has --insecure-http-parser, which takes requests that can be read in two ways',
      remedy: 'Remove that option.',
    })
  }
}
