import type { LogLine } from '$lib/ipc/client'
import { toLine, type Line } from './lines'

/** Lines that are asked for at once: a few screens. */
export const PAGE = 200
/** Pages kept. With 20,000 lines in memory a log of any length scrolls. */
export const MOST_PAGES = 100

/** The lines of a long log that are here. */
export class Pages {
  #pages = new Map<number, Map<number, Line>>()

  get(number: number): Line | undefined {
    return this.#pages.get(pageOf(number))?.get(number)
  }

  put(from: number, lines: readonly LogLine[]): void {
    lines.forEach((line, index) => this.#pageWith(from + index).set(from + index, toLine(line, from + index)))
  }

  clear(): void {
    this.#pages.clear()
  }

  /** The page of a line, now the one that was used last; the one that was used first may go for it. */
  #pageWith(number: number): Map<number, Line> {
    const at = pageOf(number)
    const page = this.#pages.get(at) ?? new Map<number, Line>()
    this.#pages.delete(at)
    this.#pages.set(at, page)
    const oldest = this.#pages.keys().next()
    if (this.#pages.size > MOST_PAGES && !oldest.done) this.#pages.delete(oldest.value)
    return page
  }
}

export const pageOf = (number: number): number => Math.floor(number / PAGE)
