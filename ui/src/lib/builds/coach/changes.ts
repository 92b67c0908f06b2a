/** A line that goes or comes, or stays between such. */
export interface LineChange {
  kind: 'gone' | 'come' | 'stays'
  text: string
}

/** How two texts differ: what is between their equal beginnings and ends, shortest way first. */
export function changes(before: string, after: string): LineChange[] {
  const [old, now] = [before.split('\n'), after.split('\n')]
  let start = 0
  while (start < old.length && start < now.length && old[start] === now[start]) start++
  let end = 0
  while (end < old.length - start && end < now.length - start && old[old.length - 1 - end] === now[now.length - 1 - end]) end++
  return between(old.slice(start, old.length - end), now.slice(start, now.length - end))
}

/** The longest lines in common stay. The pieces are short: an edit is of a few lines. */
function between(old: readonly string[], now: readonly string[]): LineChange[] {
  const longest: number[][] = Array.from({ length: old.length + 1 }, () => new Array<number>(now.length + 1).fill(0))
  const at = (i: number, j: number): number => longest[i]?.[j] ?? 0
  for (let i = old.length - 1; i >= 0; i--) {
    const row = longest[i]
    for (let j = now.length - 1; row && j >= 0; j--) row[j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  }
  const lines: LineChange[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      lines.push({ kind: 'stays', text: old[i] ?? '' })
      ;[i, j] = [i + 1, j + 1]
    } else if (j < now.length && (i === old.length || at(i, j + 1) > at(i + 1, j))) lines.push({ kind: 'come', text: now[j++] ?? '' })
    else lines.push({ kind: 'gone', text: old[i++] ?? '' })
  }
  return lines
}
