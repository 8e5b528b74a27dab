/**
 * An element with a text, which is never read as HTML.
 *
 * @param {string} name
 * @param {string} text
 * @param {string} [className]
 */
export function make(name, text, className = '') {
  const made = document.createElement(name)
  made.textContent = text
  if (className) made.className = className
  return made
}
