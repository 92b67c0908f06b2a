import type { LogLine, LogStream } from '$lib/ipc/client'
import { plainText } from './ansi'

/** A line as it is drawn. */
export interface Line {
  /** Counts from the first line that was kept when the log was first looked at. */
  number: number
  atMs: number
  stream: LogStream
  /** With escape sequences, without the line feed. */
  raw: string
}

export function toLine({ atMs, stream, text }: LogLine, number: number): Line {
  return { number, atMs, stream, raw: text.replace(/\r?\n$/, '') }
}

export const plain = ({ raw }: Line): string => plainText(raw)

/** The numbers from `first` to before `end`, as a list that costs nothing however long it is. */
export function numbers(first: number, end: number): readonly number[] {
  return new Proxy<number[]>([], {
    get: (list, key, self) => {
      if (key === 'length') return Math.max(0, end - first)
      if (typeof key === 'symbol' || !/^\d+$/.test(key)) return Reflect.get(list, key, self) as unknown
      return Number(key) < end - first ? first + Number(key) : undefined
    },
  })
}

/** Where a number stands in a list of numbers that grow, or where it would. */
export function placeOf(number: number, list: readonly number[]): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((list[middle] ?? 0) < number) low = middle + 1
    else high = middle
  }
  return low
}

/** Cuts text at each place where the query stands. Odd pieces are the places. */
export function cutAt(text: string, query: string): string[] {
  if (query === '') return [text]
  const pieces: string[] = []
  const [haystack, wanted] = [text.toLowerCase(), query.toLowerCase()]
  let end = 0
  for (let at = haystack.indexOf(wanted); at !== -1; at = haystack.indexOf(wanted, end)) {
    pieces.push(text.slice(end, at), text.slice(at, at + wanted.length))
    end = at + wanted.length
  }
  return [...pieces, text.slice(end)]
}
