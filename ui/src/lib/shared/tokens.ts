/** The value of a token in force, for canvases: they cannot read custom properties. */
export const token = (name: `--${string}`): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
