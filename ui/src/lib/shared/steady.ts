/**
 * The rows that a list shows while the pointer is over it: the rows of before stay in their places with their newest
 * values, new ones come at the end, and only what is gone altogether leaves.
 */
export function steady<T>(before: readonly string[], now: readonly T[], all: readonly T[], id: (item: T) => string): T[] {
  const known = new Map(all.map((item) => [id(item), item]))
  const kept = before.flatMap((one) => known.get(one) ?? [])
  const places = new Set(before)
  return [...kept, ...now.filter((item) => !places.has(id(item)))]
}
