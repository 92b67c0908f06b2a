import type { Instruction } from './shape'

/** What is carried: a block of the file, or a new one from the palette. */
export type Cargo = { kind: 'block'; node: number } | { kind: 'new'; keyword: Instruction }

/** A pointer must go this far before a press becomes a drag. */
const SLOP_PX = 4

/** Carries blocks with the pointer. The keys do the same without it. */
export class Drag {
  cargo = $state.raw<Cargo | null>(null)
  /** The instruction before which it would land. */
  before = $state<number | null>(null)

  constructor(
    readonly list: () => HTMLElement | undefined,
    readonly drop: (cargo: Cargo, before: number) => void,
  ) {}

  begin(event: PointerEvent, cargo: Cargo): void {
    if (event.button !== 0) return
    const { clientX, clientY } = event
    const ending = new AbortController()
    const { signal } = ending
    const move = (now: PointerEvent): void => {
      if (this.cargo === null && Math.hypot(now.clientX - clientX, now.clientY - clientY) < SLOP_PX) return
      now.preventDefault()
      this.cargo = cargo
      this.before = this.#place(now.clientY)
    }
    const end = (): void => {
      ending.abort()
      this.cargo = null
      this.before = null
    }
    const release = (): void => {
      const { before, cargo } = this
      end()
      if (cargo !== null && before !== null) this.drop(cargo, before)
    }
    addEventListener('pointermove', move, { signal })
    addEventListener('pointerup', release, { signal })
    addEventListener('pointercancel', end, { signal })
    addEventListener('keydown', (key) => key.key === 'Escape' && end(), { signal })
  }

  #place(y: number): number {
    const cards = [...(this.list()?.querySelectorAll<HTMLElement>('[data-node]') ?? [])]
    const below = cards.find((card) => {
      const { top, height } = card.getBoundingClientRect()
      return y < top + height / 2
    })
    return below === undefined ? cards.length : Number(below.dataset.node)
  }
}
