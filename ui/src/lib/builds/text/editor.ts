import { closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { lintKeymap, setDiagnostics, type Diagnostic } from '@codemirror/lint'
import { search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, Transaction } from '@codemirror/state'
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view'
import type { DockerfileModel } from '$lib/ipc/client'
import { complete, hover } from './help'
import { marks, setMarks, type Marks } from './marks'
import { theme } from './theme'

export interface EditorOptions {
  parent: HTMLElement
  text: string
  label: string
  project: string
  model: () => DockerfileModel | null
  /** Somebody typed. */
  onedit: (text: string) => void
  /** The cursor is at another place. */
  onmove: (at: number) => void
  onsave: () => void
  onbuild: () => void
  onformat: () => void
}

/** Texts may be longer than what changed in them: only that is replaced, so that the cursor keeps its place. */
export function difference(before: string, after: string): { from: number; to: number; insert: string } {
  let from = 0
  while (from < before.length && from < after.length && before[from] === after[from]) from++
  let end = 0
  while (end < before.length - from && end < after.length - from && before.at(-1 - end) === after.at(-1 - end)) end++
  return { from, to: before.length - end, insert: after.slice(from, after.length - end) }
}

/** What the text is called; it is in the order of the tab key by its own word, as checkers look for that where a text scrolls. */
const labeled = (label: string) => EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' })

/** The text editor. What it shows beside the text comes from the engine. */
export class Editor {
  #view: EditorView
  #label = new Compartment()
  #quiet = false

  constructor(options: EditorOptions) {
    const keys = (key: string, act: () => void) => ({ key, run: () => (act(), true), preventDefault: true })
    this.#view = new EditorView({
      parent: options.parent,
      state: EditorState.create({
        doc: options.text,
        extensions: [
          lineNumbers(),
          marks,
          history(),
          drawSelection(),
          closeBrackets(),
          search({ top: true }),
          complete(options.project),
          hover(options.model),
          keymap.of([
            keys('Mod-s', options.onsave),
            keys('Mod-Enter', options.onbuild),
            keys('Shift-Alt-f', options.onformat),
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...lintKeymap,
            ...searchKeymap,
            ...historyKeymap,
            ...defaultKeymap,
          ]),
          this.#label.of(labeled(options.label)),
          theme,
          EditorView.updateListener.of((update) => {
            if (this.#quiet) return
            if (update.docChanged) options.onedit(update.state.doc.toString())
            if (update.selectionSet) options.onmove(update.state.selection.main.head)
          }),
        ],
      }),
    })
  }

  /** Shows a text that did not come from here. */
  show(text: string): void {
    const before = this.#view.state.doc.toString()
    if (before === text) return
    this.#silently(() => this.#view.dispatch({ changes: difference(before, text), annotations: Transaction.addToHistory.of(true) }))
  }

  mark(shown: Marks, problems: readonly Diagnostic[]): void {
    this.#silently(() => {
      this.#view.dispatch({ effects: setMarks.of(shown) })
      this.#view.dispatch(setDiagnostics(this.#view.state, problems))
    })
  }

  relabel(label: string): void {
    this.#view.dispatch({ effects: this.#label.reconfigure(labeled(label)) })
  }

  reveal(at: number): void {
    const place = Math.min(at, this.#view.state.doc.length)
    this.#silently(() => this.#view.dispatch({ effects: EditorView.scrollIntoView(place, { y: 'nearest', yMargin: 48 }) }))
  }

  get focused(): boolean {
    return this.#view.hasFocus
  }

  destroy(): void {
    this.#view.destroy()
  }

  #silently(act: () => void): void {
    this.#quiet = true
    act()
    this.#quiet = false
  }
}
