// The page's own part: it opens the popup in the click itself, waits for what the callback page hands
// over, and shows what the backend answers. No token ever comes here.

import { make } from './make.js'
import { callTrail } from './trail.js'

/** @typedef {import('../answer.ts').Answer} Answer */
/** @typedef {import('../answer.ts').NamespaceSight} NamespaceSight */
/** @typedef {import('../answer.ts').ProblemView} ProblemView */
/** @typedef {import('../answer.ts').SentRequest} SentRequest */

const POPUP = 'popup,width=520,height=680'

/** @type {ProblemView} */
const BLOCKED = {
  title: 'The sign-in window was blocked.',
  words: 'The browser did not let this page open it.',
  remedy: 'Allow popups for this page, then connect again.',
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function element(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`there is no #${id}`)
  return found
}

/**
 * @param {string} id
 * @returns {HTMLButtonElement | HTMLInputElement}
 */
function control(id) {
  return /** @type {HTMLButtonElement | HTMLInputElement} */ (element(id))
}

/**
 * Asks the backend; what goes wrong on the way is a problem like any other.
 *
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<Answer>}
 */
async function ask(path, body = {}) {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    return await response.json()
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    const problem = { title: 'The backend of this page did not answer.', words }
    return { problem, requests: [] }
  }
}

/** @param {Answer} answer */
function show(answer) {
  showProblem(answer)
  showConnection(answer)
  for (const request of answer.requests) showRequest(request)
}

/** @param {Answer} answer */
function showProblem({ problem }) {
  element('problem').hidden = !problem
  element('problem-title').textContent = problem?.title ?? ''
  element('problem-words').textContent = problem?.words ?? ''
  element('problem-remedy').textContent = problem?.remedy ?? ''
}

/** @param {Answer} answer */
function showConnection({ connection }) {
  isConnected = connection !== undefined
  element('connected').hidden = !isConnected
  control('connect').textContent = connection ? 'Connect as somebody else' : 'Connect Kubernetes'
  control('connect').classList.toggle('primary', !isConnected)
  const name = connection?.person
  element('state').textContent = connection
    ? `Connected${name ? ` as ${name}` : ''}`
    : 'Not connected'
  element('state').classList.toggle('is-connected', isConnected)
  element('between').hidden = !connection || connection.calls.length === 0
  if (!connection) return
  const { tools, sights, calls, goodUntil, refreshes } = connection
  const refreshed =
    ['not refreshed yet', 'refreshed once'][refreshes] ?? `refreshed ${refreshes} times`
  element('connected-title').textContent = `This is what ${name ?? 'you'} may see`
  element('connected-token').textContent =
    `${tools} tools. The token is good until ${new Date(goodUntil).toLocaleTimeString()}, ${refreshed}.`
  element('namespaces').replaceChildren(...sights.map(namespaceCard))
  element('calls').replaceChildren(...calls.map(callTrail))
}

/** @param {NamespaceSight} sight */
function namespaceCard({ namespace, pods, refusal }) {
  const card = make('section', '', refusal === undefined ? 'namespace' : 'namespace is-refused')
  card.append(make('h3', namespace))
  if (refusal !== undefined) {
    card.append(make('p', 'The cluster refused:'), make('p', refusal, 'words'))
    return card
  }
  const list = document.createElement('ul')
  for (const { name, ready, status } of pods) {
    const line = document.createElement('li')
    line.append(make('span', name, 'pod'), make('span', `${status} ${ready}`, 'pod-state'))
    list.append(line)
  }
  card.append(pods.length > 0 ? list : make('p', 'No pods.'))
  return card
}

/** @param {SentRequest} request */
function showRequest({ method, url, about, status }) {
  const line = document.createElement('li')
  line.append(make('code', `${method} ${url}`), ' ')
  if (about) line.append(make('span', about, 'about'), ' ')
  line.append(status ? `${status}` : 'no answer')
  element('requests').append(line)
  element('no-requests').hidden = true
}

async function connect() {
  // In the click itself: a browser blocks a window that is opened later.
  const popup = window.open('/oauth/opening.html', '_blank', POPUP)
  if (!popup) return show(await withProblem(BLOCKED))
  const wanted = { sendsResource: sendsResource.checked, picksAccount: isConnected }
  const begun = await ask('/api/connect', wanted)
  show(begun)
  if (begun.authorizeUrl === undefined) return popup.close()
  element('state').textContent = 'Waiting for you to sign in…'
  waitFor(new URL(begun.authorizeUrl).searchParams.get('state'))
  popup.location.replace(begun.authorizeUrl)
}

/**
 * Waits for the end of this sign-in and of no other. Whether its window is still there cannot be told:
 * Entra ID cuts it off from this page (Cross-Origin-Opener-Policy).
 *
 * @param {string | null} state
 */
function waitFor(state) {
  awaited = state
  element('waiting').hidden = state === null
}

/** @param {MessageEvent} event */
function hear({ data }) {
  const { state, code, error, errorDescription } = data
  if (awaited === null || state !== awaited) return
  handover.postMessage({ heard: state })
  waitFor(null)
  void busy(() => showAnswer(ask('/api/oauth/callback', { state, code, error, errorDescription })))
}

/**
 * How things stand, and a problem of the page's own.
 *
 * @param {ProblemView} problem
 * @returns {Promise<Answer>}
 */
async function withProblem(problem) {
  return { ...(await current()), problem }
}

/** @returns {Promise<Answer>} */
async function current() {
  const response = await fetch('/api/session')
  return await response.json()
}

/** @param {Promise<Answer>} asked */
async function showAnswer(asked) {
  const answer = await asked
  show(answer)
  if (answer.connection && !answer.problem) element('connected-title').focus()
}

const buttons = ['connect', 'look', 'refresh', 'disconnect'].map(control)
let isConnected = false
/** The state of the sign-in that is waited for. */
let awaited = /** @type {string | null} */ (null)
/** On which the callback page hands over what came back: pages of this origin alone are on it. */
const handover = new BroadcastChannel('oauth-callback')
handover.addEventListener('message', hear)
const sendsResource = /** @type {HTMLInputElement} */ (control('sends-resource'))

/**
 * Runs one thing at a time.
 *
 * @param {() => Promise<void>} run
 */
async function busy(run) {
  for (const button of buttons) button.disabled = true
  element('chat').setAttribute('aria-busy', 'true')
  try {
    await run()
  } finally {
    for (const button of buttons) button.disabled = false
    element('chat').setAttribute('aria-busy', 'false')
  }
}

control('connect').addEventListener('click', () => busy(connect))
for (const name of ['look', 'refresh', 'disconnect']) {
  control(name).addEventListener('click', () => busy(() => showAnswer(ask(`/api/${name}`))))
}
show(await current())
