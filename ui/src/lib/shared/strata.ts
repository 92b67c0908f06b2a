/** A color of the strata, 1-8. */
export type Stratum = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

const COLORS = 8
/** More bands than this cannot be told apart in a jar of 22 px. */
const JAR_BANDS = 5
const BOTTOM_BANDS = 2

function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  // FNV leaves the low bits of similar texts alike; the high half is mixed in.
  return (value ^ (value >>> 15)) >>> 0
}

/**
 * Colors layers, bottom first. A layer keeps its color wherever it lies on the same layers, so that images with a common
 * base show it; two neighbors never look alike.
 */
export function strata(digests: readonly string[]): Stratum[] {
  const colors: Stratum[] = []
  for (const digest of digests) {
    // Of each eight layers no two look alike, so the next free color is taken. It only depends on the layers below.
    const taken = colors.slice(colors.length - (colors.length % COLORS))
    let color = hash(digest) % COLORS
    while (taken.includes((color + 1) as Stratum) || color + 1 === colors.at(-1)) color = (color + 1) % COLORS
    colors.push((color + 1) as Stratum)
  }
  return colors
}

/** The bands of a small jar: the base, which tells the family, and the top, which tells the member. */
export function jarBands(digests: readonly string[]): Stratum[] {
  const colors = strata(digests)
  if (colors.length <= JAR_BANDS) return colors
  return [...colors.slice(0, BOTTOM_BANDS), ...colors.slice(BOTTOM_BANDS - JAR_BANDS)]
}
