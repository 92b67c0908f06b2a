import { SvelteSet } from 'svelte/reactivity'

/** Which rows of a list are chosen, and which one the keys move from. */
export class Selection {
  active = $state<string | null>(null)
  chosen = new SvelteSet<string>()
  #anchor: string | null = null

  /** Chooses one row alone. */
  only(id: string): void {
    this.chosen.clear()
    this.chosen.add(id)
    this.active = id
    this.#anchor = id
  }

  toggle(id: string): void {
    if (!this.chosen.delete(id)) this.chosen.add(id)
    this.active = id
    this.#anchor = id
  }

  /** Chooses everything between the last choice and `id`. */
  extend(id: string, ids: readonly string[]): void {
    const from = Math.max(ids.indexOf(this.#anchor ?? id), 0)
    const to = ids.indexOf(id)
    this.chosen.clear()
    for (const between of ids.slice(Math.min(from, to), Math.max(from, to) + 1)) this.chosen.add(between)
    this.active = id
  }

  all(ids: readonly string[]): void {
    for (const id of ids) this.chosen.add(id)
  }

  clear(): void {
    this.chosen.clear()
  }

  /** Moves by rows and chooses the row that is reached. Returns its id. */
  move(by: number, ids: readonly string[], extend = false): string | undefined {
    const at = ids.indexOf(this.active ?? '')
    const next = ids[at === -1 ? 0 : Math.min(Math.max(at + by, 0), ids.length - 1)]
    if (next === undefined) return undefined
    if (extend) this.extend(next, ids)
    else this.only(next)
    return next
  }

  /** Forgets rows that are gone. */
  retain(ids: readonly string[]): void {
    for (const id of this.chosen) if (!ids.includes(id)) this.chosen.delete(id)
    if (this.active !== null && !ids.includes(this.active)) this.active = ids[0] ?? null
  }
}
