// In the popup's question. The sign-in itself goes on in another window: a provider that sends
// Cross-Origin-Opener-Policy, as Entra ID does, would cut this one off from the web UI for good. That
// window ends on a page of ours, which tells this one, and this one tells the web UI.

const asked = document.getElementById('question')
const waiting = document.getElementById('waiting')
const origin = waiting?.dataset['origin'] ?? ''
const state = new URLSearchParams(location.search).get('state')

// Only pages of our own origin are on it.
const channel = new BroadcastChannel('rolecall-popup')
channel.addEventListener('message', ({ data }) => {
  const { opener } = window
  if (!opener || data.origin !== origin || data.message?.state !== state) return
  channel.postMessage({ heard: state })
  opener.postMessage(data.message, origin)
  close()
})

document.querySelector('form')?.addEventListener('submit', ({ submitter }) => {
  if (!(submitter instanceof HTMLButtonElement) || submitter.value !== 'allow') return
  asked?.setAttribute('hidden', '')
  waiting?.removeAttribute('hidden')
})
