/** Pixels of a length that was drawn for text of normal size, at the size in force. */
export const scaled = (px: number): number => Math.round((px * parseFloat(getComputedStyle(document.documentElement).fontSize)) / 16)

/** The value of a token in force, for canvases: they cannot read custom properties. */
export const token = (name: `--${string}`): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
