// Hands what the identity provider sent back to the page that began the sign-in: to pages of its own
// origin only, and to nobody else. Not to its opener: Entra ID cuts that off
// (Cross-Origin-Opener-Policy).

const answer = new URLSearchParams(location.search)
// Neither the history nor whoever looks over a shoulder needs the code.
history.replaceState(null, '', location.pathname)

/** Milliseconds. */
const ANSWER_TIMEOUT = 2000

const message = {
  state: answer.get('state') ?? '',
  code: answer.get('code') ?? undefined,
  error: answer.get('error') ?? undefined,
  errorDescription: answer.get('error_description') ?? undefined,
}

const handover = new BroadcastChannel('oauth-callback')
/** Whether a page waits for this sign-in. */
const isHeard = await new Promise((resolve) => {
  handover.addEventListener('message', ({ data }) => {
    if (data.heard === message.state) resolve(true)
  })
  setTimeout(() => resolve(false), ANSWER_TIMEOUT)
  handover.postMessage(message)
})

if (isHeard) window.close()
else {
  const line = document.getElementById('message')
  if (line) {
    line.textContent =
      'The page that opened this window is gone, so the sign-in was not finished. Close this window, open the page again and connect again.'
  }
}
