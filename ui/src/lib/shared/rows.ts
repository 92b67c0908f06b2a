/** A virtual list needs a few frames to draw a row that was far away, and hides it until it is measured. */
const MAX_FRAMES = 30

/** Gives the focus to a row as soon as it can take it. */
export function focusRow(id: string, frames = MAX_FRAMES): void {
  const row = document.querySelector<HTMLElement>(`[data-row="${CSS.escape(id)}"]`)
  row?.focus()
  if (document.activeElement !== row && frames > 0) requestAnimationFrame(() => focusRow(id, frames - 1))
}
