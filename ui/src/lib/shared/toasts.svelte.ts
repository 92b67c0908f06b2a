export interface Toast {
  id: number
  tone: 'plain' | 'failed'
  text: string
  /** A second line: the cause, or what stays. */
  detail?: string
  action?: { label: string; run: () => void }
}

/** Long enough to read and to reach Undo. */
const LIFE_MS = 10_000

class Toasts {
  list = $state<Toast[]>([])
  #last = 0

  show(toast: Omit<Toast, 'id'>): void {
    const id = ++this.#last
    this.list.push({ ...toast, id })
    setTimeout(() => this.dismiss(id), LIFE_MS)
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id)
  }
}

export const toasts = new Toasts()
