// In every question. Its buttons answer only what was meant for them: not the second click of a double
// click that began on another page's window, which closed over this one, nor a key that was held down
// there. So the pointer must have moved since it came onto this page, or a key been pressed and let go
// since the window was last left.

/** Pixels. A hand that clicks twice trembles by less. */
const MOVED_PX = 4
/** Milliseconds after a window comes up, in which systems tell of moves that were none. */
const SETTLED_MS = 500
/** Milliseconds in which a window comes up by the very click that follows. */
const SAME_CLICK_MS = 20
/** Milliseconds between the first tap, or press by an assistive technology, and one that answers. */
const PAUSE_MS = 1000

let moved = false
let cameUpAt = Number.NEGATIVE_INFINITY
/** Where the pointer came onto the page. @type {{ x: number, y: number, at: number } | undefined} */
let entry
/** When it came there by a move. @type {number | undefined} */
let movedInAt
/** When the page was first tapped, or pressed without a pointer and keys. @type {number | undefined} */
let tappedAt
/** @type {Set<string>} */
const pressed = new Set()

function leave() {
  moved = false
  entry = undefined
  movedInAt = undefined
  tappedAt = undefined
  pressed.clear()
}

function comeUp() {
  cameUpAt = performance.now()
}

/** @param {PointerEvent} event */
function point({ type, isTrusted, pointerType, screenX: x, screenY: y, timeStamp: at }) {
  if (!isTrusted || pointerType === 'touch') return
  // A page that comes up under a pointer at rest is told where that is: the place, and no movement.
  entry ??= { x, y, at }
  if (Math.abs(x - entry.x) + Math.abs(y - entry.y) >= MOVED_PX) moved = true
  if (type === 'pointermove' && at === entry.at) movedInAt = at
  if (type === 'pointerdown' && movedInAt !== undefined) {
    const settled = movedInAt - cameUpAt >= SETTLED_MS
    const byThisClick = cameUpAt > movedInAt && at - cameUpAt <= SAME_CLICK_MS
    if (settled || byThisClick) moved = true
  }
}

/** @param {PointerEvent} event */
function touch({ type, isTrusted, pointerType }) {
  if (!isTrusted || pointerType !== 'touch') return
  if (type === 'pointerup') tappedAt ??= performance.now()
  // The page was scrolled.
  else moved = true
}

/** @param {KeyboardEvent} event */
function press({ isTrusted, repeat, code }) {
  if (isTrusted && !repeat) pressed.add(code)
}

/** @param {KeyboardEvent} event */
function letGo({ isTrusted, code }) {
  if (isTrusted && pressed.delete(code)) moved = true
}

function isMeant() {
  return moved || (tappedAt !== undefined && performance.now() - tappedAt >= PAUSE_MS)
}

addEventListener('focus', comeUp)
addEventListener('blur', leave)
document.addEventListener('visibilitychange', leave)
document.addEventListener('visibilitychange', comeUp)
document.addEventListener('pointerout', ({ pointerType, relatedTarget }) => {
  if (pointerType !== 'touch' && relatedTarget === null) leave()
})
document.addEventListener('pointerover', point, true)
document.addEventListener('pointermove', point, true)
document.addEventListener('pointerdown', point, true)
document.addEventListener('pointerup', touch, true)
document.addEventListener('pointercancel', touch, true)
document.addEventListener('keydown', press, true)
document.addEventListener('keyup', letGo, true)
// Assistive technologies press buttons without pointer and keys: their second press answers.
document.addEventListener('click', ({ isTrusted, detail }) => {
  if (isTrusted && detail === 0 && pressed.size === 0) tappedAt ??= performance.now()
})

// On the whole document, and before anything of it is shown: no button works earlier than this.
document.addEventListener(
  'submit',
  (event) => {
    if (isMeant()) return
    event.preventDefault()
    event.stopImmediatePropagation()
    document.getElementById('unmoved')?.removeAttribute('hidden')
  },
  true,
)
