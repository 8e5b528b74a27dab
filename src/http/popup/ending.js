// In the page that a popup's sign-in ends with: the answer goes to the one origin that the server
// wrote there, from here or from the window that waits for it.

const { origin = '', message = '' } = document.getElementById('answer')?.dataset ?? {}
const answer = JSON.parse(message)

// The code is of no use in the history.
history.replaceState(null, '', location.pathname)

/** Milliseconds. */
const ANSWER_TIMEOUT = 2000

/** Whether a window that waits for it took the answer. */
function isHeard() {
  const channel = new BroadcastChannel('rolecall-popup')
  return new Promise((resolve) => {
    channel.addEventListener('message', ({ data }) => {
      if (data.heard === answer.state) resolve(true)
    })
    setTimeout(() => resolve(false), ANSWER_TIMEOUT)
    channel.postMessage({ origin, message: answer })
  })
}

const { opener } = window
// Also where there is an opener: it may be the window that waits.
const heard = isHeard()
if (opener) {
  opener.postMessage(answer, origin)
  close()
} else if (await heard) {
  close()
} else {
  document.getElementById('handed-over')?.remove()
  document.getElementById('alone')?.removeAttribute('hidden')
}
