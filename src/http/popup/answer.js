// The popup's end, within its page: posts the answer to the one origin that the server wrote there.
const { origin = '', message = '' } = document.getElementById('answer')?.dataset ?? {}

// The code is of no use in the history.
history.replaceState(null, '', location.pathname)

const { opener } = window
if (opener) {
  opener.postMessage(JSON.parse(message), origin)
  close()
} else {
  document.getElementById('handed-over')?.remove()
  document.getElementById('alone')?.removeAttribute('hidden')
}
