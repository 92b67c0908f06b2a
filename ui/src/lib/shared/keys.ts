/** A key by its place on the keyboard, so that it works with a Hangul layout too. */
export interface Shortcut {
  /** `KeyboardEvent.code`: `KeyS`, `Delete`, `Slash`. */
  code: string
  ctrl?: boolean
  shift?: boolean
}

const NAMES: Record<string, string> = {
  Slash: '/',
  BracketLeft: '[',
  BracketRight: ']',
  Delete: 'Del',
  Escape: 'Esc',
  ArrowUp: '↑',
  ArrowDown: '↓',
  Space: 'Space',
}

export function keyName({ code, ctrl, shift }: Shortcut): string {
  const key = shift && code === 'Slash' ? '?' : (NAMES[code] ?? code.replace(/^(Key|Digit)/, ''))
  return [ctrl && 'Ctrl', shift && key !== '?' && 'Shift', key].filter(Boolean).join(' ')
}

export function matches(event: KeyboardEvent, shortcut: Shortcut): boolean {
  return (
    event.code === shortcut.code &&
    (event.ctrlKey || event.metaKey) === (shortcut.ctrl ?? false) &&
    event.shiftKey === (shortcut.shift ?? false) &&
    !event.altKey
  )
}

/** Whether a letter belongs to what is being typed: a field, a terminal, or a syllable that is not finished. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null
  return event.isComposing || target?.closest('input, textarea, select, [contenteditable], [data-typing]') != null
}
