// Hands what the identity provider sent back to the page that opened this window: to its own origin
// only, and to nobody else.

const answer = new URLSearchParams(location.search)
// Neither the history nor whoever looks over a shoulder needs the code.
history.replaceState(null, '', location.pathname)

const opener = /** @type {Window | null} */ (window.opener)
if (opener) {
  const message = {
    type: 'oauth-callback',
    state: answer.get('state') ?? '',
    code: answer.get('code') ?? undefined,
    error: answer.get('error') ?? undefined,
    errorDescription: answer.get('error_description') ?? undefined,
  }
  opener.postMessage(message, location.origin)
  window.close()
} else {
  const line = document.getElementById('message')
  if (line) {
    line.textContent =
      'The page that opened this window is gone, so the sign-in was not finished. Close this window, open the page again and connect again.'
  }
}
