import type { ITheme } from '@xterm/xterm'
import { token } from '$lib/shared/tokens'

/** The eight colors of a terminal, made from the tokens in force. */
export function terminalTheme(): ITheme {
  const palette = {
    black: token('--line-control'),
    red: token('--failed'),
    green: token('--running'),
    yellow: token('--paused'),
    blue: token('--building'),
    magenta: token('--chart-mem'),
    cyan: token('--accent-text'),
    white: token('--text-2'),
  }
  const bright = Object.fromEntries(
    Object.entries(palette).map(([name, color]) => [`bright${name.charAt(0).toUpperCase()}${name.slice(1)}`, color]),
  )
  return {
    ...palette,
    ...bright,
    brightBlack: token('--text-3'),
    brightWhite: token('--text-1'),
    background: token('--surface-1'),
    foreground: token('--text-1'),
    cursor: token('--accent'),
    cursorAccent: token('--surface-1'),
    selectionBackground: token('--accent-soft'),
  }
}
