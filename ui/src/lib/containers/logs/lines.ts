import type { LogLine, LogStream } from '$lib/ipc/client'
import { plainText } from './ansi'

/** A line as it is drawn. */
export interface Line {
  /** Counts up over the life of the view, so that a row keeps its identity. */
  key: number
  atMs: number
  subMs: number
  stream: LogStream
  /** With escape sequences, without the line feed. */
  raw: string
  plain: string
}

/** Lines kept; the oldest go first. */
export const CAPACITY = 50_000
/** Dropping is done in portions, not line by line. */
const PORTION = 5_000

export function toLine({ atMs, atSubmsNs, stream, text }: LogLine, key: number): Line {
  const raw = text.replace(/\r?\n$/, '')
  return { key, atMs, subMs: atSubmsNs, stream, raw, plain: plainText(raw) }
}

/** Adds new lines at the end and forgets the oldest when there are too many. */
export function append(lines: readonly Line[], more: readonly Line[]): Line[] {
  const all = [...lines, ...more]
  return all.length > CAPACITY ? all.slice(all.length - CAPACITY + PORTION) : all
}

const before = (line: LogLine, first: Line): boolean =>
  line.atMs < first.atMs || (line.atMs === first.atMs && line.atSubmsNs < first.subMs)

/** Of an answer to "what came before", only what really did: the question could only be asked to the millisecond. */
export function older(answer: readonly LogLine[], first: Line): LogLine[] {
  return answer.filter((line) => before(line, first))
}

/** The numbers of the lines in which every letter of the query stands, in any case. */
export function findAll(lines: readonly Line[], query: string): number[] {
  if (query === '') return []
  const wanted = query.toLowerCase()
  return lines.flatMap((line, index) => (line.plain.toLowerCase().includes(wanted) ? [index] : []))
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
