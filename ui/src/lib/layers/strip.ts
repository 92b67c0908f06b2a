/** A band is at least this part of the highest one, so that an empty layer is seen too. */
const LEAST = 0.12

/** How high the bands of a jar are, as shares: they hint at the size and never hide a layer. Square roots keep a large one from being all. */
export function bandHeights(sizes: readonly number[]): number[] {
  const highest = Math.sqrt(Math.max(1, ...sizes))
  return sizes.map((size) => Math.max(Math.sqrt(size) / highest, LEAST))
}

/** The instruction as it stood in the Dockerfile: builders wrap it in the shell that ran it. */
export function instructionOf(createdBy: string | null): string {
  return (createdBy ?? '')
    .replace(/^\/bin\/sh -c #\(nop\)\s*/, '')
    .replace(/^\/bin\/sh -c\s+/, 'RUN ')
    .replace(/^RUN \/bin\/sh -c\s+/, 'RUN ')
    .replace(/\s+# buildkit$/, '')
    .replace(/\s+/g, ' ')
    .trim()
}
