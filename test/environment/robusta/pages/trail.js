// Where a call came by: what rolecall and the cluster wrote of it, side by side.

import { make } from './make.js'

/** @typedef {import('../answer.ts').TracedCall} TracedCall */
/** @typedef {import('../../trail/footprints.ts').AuditLine} AuditLine */
/** @typedef {import('../../trail/footprints.ts').ClusterRecord} ClusterRecord */

/**
 * @param {TracedCall} call
 * @param {number} index the first one shows the lines themselves
 */
export function callTrail(call, index) {
  const { tool, namespace, isRefused, requestId } = call
  const article = make('article', '', 'call')
  const title = make('h3', `${tool} ${namespace} `)
  title.append(make('span', isRefused ? 'refused' : 'answered', isRefused ? 'is-bad' : 'is-good'))
  const stations = make('div', '', 'stations')
  stations.append(
    station('Holmes asked', [
      facts([
        ['Tool', tool],
        ['Namespace', namespace],
        ['Was told', isRefused ? 'an error of the tool' : 'the pods'],
        ['Request id', requestId],
      ]),
    ]),
    station('rolecall', ofRolecall(call.rolecall, index === 0)),
    station('The cluster', ofCluster(call.cluster, index === 0)),
  )
  article.append(title, stations)
  return article
}

/**
 * @param {AuditLine | undefined} line
 * @param {boolean} isOpen
 */
function ofRolecall(line, isOpen) {
  if (!line) return [make('p', 'It wrote no audit line.')]
  const { decision, reason, user, actsAs, text } = line
  return [
    facts([
      ['Decision', reason ? `${decision}: ${reason}` : decision],
      ['User', user ?? 'nobody'],
      ['Passed on', actsAs === 'caller' ? 'this user’s own token, and no other' : 'no token'],
    ]),
    written('The audit line', text, isOpen),
  ]
}

/**
 * The last record is what the call was for; the MCP server asks before what there is, and whether the
 * user may.
 *
 * @param {readonly ClusterRecord[]} records
 * @param {boolean} isOpen
 */
function ofCluster(records, isOpen) {
  if (records.length === 0) return [make('p', 'It was not asked.')]
  const users = new Set(records.map(({ user }) => user ?? 'nobody it knows'))
  return [
    facts([['User', [...users].join(', ')]]),
    make('p', 'What it was asked, and its answer', 'term'),
    ...records.map(({ verb, what, code, text }, index) =>
      written(
        `${verb} ${what} → ${CODES[code] ?? code}`,
        text,
        isOpen && index === records.length - 1,
      ),
    ),
  ]
}

/** @type {Readonly<Record<number, string>>} */
const CODES = {
  200: '200, done',
  201: '201, done',
  401: '401, unknown',
  403: '403, forbidden by RBAC',
}

/**
 * @param {string} name
 * @param {readonly HTMLElement[]} content
 */
function station(name, content) {
  const section = make('section', '', 'station')
  section.append(make('h4', name), ...content)
  return section
}

/** @param {readonly (readonly [string, string])[]} rows */
function facts(rows) {
  const list = make('dl', '')
  for (const [name, value] of rows) list.append(make('dt', name), make('dd', value))
  return list
}

/**
 * A line, exactly as it was written.
 *
 * @param {string} name
 * @param {string} text
 * @param {boolean} isOpen
 */
function written(name, text, isOpen) {
  const details = document.createElement('details')
  details.open = isOpen
  details.append(make('summary', name, 'written'), make('pre', text))
  return details
}
