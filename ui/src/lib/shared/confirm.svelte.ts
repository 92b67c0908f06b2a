export interface Confirmation {
  title: string
  /** What will happen, as a sentence. */
  text: string
  /** What it happens to. */
  objects: { name: string; detail: string }[]
  /** What goes with it, or what stays. */
  consequence?: string | undefined
  /** The button that does it. */
  verb: string
}

/** The one question that can be open, drawn by `ConfirmHost`. Only what cannot be undone is asked. */
class ConfirmationState {
  open = $state.raw<Confirmation | null>(null)
  #answer: ((yes: boolean) => void) | undefined

  ask(question: Confirmation): Promise<boolean> {
    this.answer(false)
    this.open = question
    return new Promise((resolve) => (this.#answer = resolve))
  }

  answer(yes: boolean): void {
    this.open = null
    this.#answer?.(yes)
    this.#answer = undefined
  }
}

export const confirmation = new ConfirmationState()
