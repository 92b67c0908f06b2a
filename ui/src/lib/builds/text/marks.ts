import { RangeSetBuilder, StateEffect, StateField, type Text } from '@codemirror/state'
import { Decoration, EditorView, gutter, GutterMarker, WidgetType, type DecorationSet } from '@codemirror/view'
import type { TextRange, TextToken } from '$lib/ipc/client'
import type { Stratum } from '$lib/shared/strata'
import { glyphFor, type LineFate } from './glyph'

/** What an instruction's lines show beside the text. */
export interface LineMark {
  firstLine: number
  lastLine: number
  fate: LineFate | null
  /** What the mark says, for who cannot see it. */
  label: string
  stratum: Stratum | null
}

/** A failure, shown under its line. */
export interface Failure {
  line: number
  title: string
  output: string
}

export interface Marks {
  tokens: readonly TextToken[]
  lines: readonly LineMark[]
  chosen: TextRange | null
  failure: Failure | null
}

export const setMarks = StateEffect.define<Marks>()

const NONE: Marks = { tokens: [], lines: [], chosen: null, failure: null }

class FailureWidget extends WidgetType {
  constructor(readonly failure: Failure) {
    super()
  }

  override eq(other: FailureWidget): boolean {
    return other.failure.title === this.failure.title && other.failure.output === this.failure.output
  }

  toDOM(): HTMLElement {
    const box = document.createElement('div')
    box.className = 'cm-failure'
    box.dataset.testid = 'failure-at-line'
    for (const [name, text] of [['why', this.failure.title], ['last', this.failure.output]] as const) {
      const part = document.createElement('div')
      part.className = name
      part.textContent = text
      if (text !== '') box.append(part)
    }
    return box
  }
}

function chosenLines(doc: Text, { chosen, failure }: Marks): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>()
  const first = chosen === null ? 0 : doc.lineAt(Math.min(chosen.start, doc.length)).number
  const last = chosen === null ? -1 : doc.lineAt(Math.min(Math.max(chosen.end - 1, chosen.start), doc.length)).number
  for (let number = 1; number <= doc.lines; number++) {
    const line = doc.line(number)
    const broken = failure?.line === number
    if (broken || (number >= first && number <= last)) builder.add(line.from, line.from, Decoration.line({ class: broken ? 'cm-broken' : 'cm-chosen' }))
    if (broken && failure) builder.add(line.to, line.to, Decoration.widget({ widget: new FailureWidget(failure), block: true, side: 1 }))
  }
  return builder.finish()
}

function colored(doc: Text, tokens: readonly TextToken[]): DecorationSet {
  const fitting = tokens.filter(({ start, end }) => end > start && end <= doc.length)
  return Decoration.set(fitting.map(({ start, end, kind }) => Decoration.mark({ class: `tok-${kind}` }).range(start, end)))
}

/** Colors move with the text until the engine has read it again. */
const colors = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, transaction) {
    const marks = transaction.effects.find((effect) => effect.is(setMarks))
    return marks ? colored(transaction.state.doc, (marks.value as Marks).tokens) : value.map(transaction.changes)
  },
  provide: (field) => EditorView.decorations.from(field),
})

const lines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(value, transaction) {
    const marks = transaction.effects.find((effect) => effect.is(setMarks))
    return marks ? chosenLines(transaction.state.doc, marks.value as Marks) : value.map(transaction.changes)
  },
  provide: (field) => EditorView.decorations.from(field),
})

const latest = StateField.define<Marks>({
  create: () => NONE,
  update: (value, transaction) => (transaction.effects.find((effect) => effect.is(setMarks))?.value as Marks | undefined) ?? value,
})

class FateMarker extends GutterMarker {
  constructor(readonly mark: LineMark) {
    super()
  }

  override eq(other: FateMarker): boolean {
    return other.mark.fate === this.mark.fate && other.mark.label === this.mark.label
  }

  override toDOM(): Node {
    return glyphFor(this.mark.fate ?? 'waiting', this.mark.label)
  }
}

class StratumMarker extends GutterMarker {
  constructor(readonly stratum: Stratum) {
    super()
  }

  override eq(other: StratumMarker): boolean {
    return other.stratum === this.stratum
  }

  override toDOM(): Node {
    const band = document.createElement('span')
    band.className = `cm-stratum patterned stratum-${this.stratum}`
    return band
  }
}

/** The gutters: the layer of a line, and what happens to its step. */
const gutters = [
  gutter({
    class: 'cm-strata',
    lineMarker(view, block) {
      const number = view.state.doc.lineAt(block.from).number
      const mark = view.state.field(latest).lines.find(({ firstLine, lastLine }) => number >= firstLine && number <= lastLine)
      return mark?.stratum ? new StratumMarker(mark.stratum) : null
    },
    lineMarkerChange: (update) => update.transactions.some(({ effects }) => effects.some((effect) => effect.is(setMarks))),
  }),
  gutter({
    class: 'cm-fates',
    lineMarker(view, block) {
      const number = view.state.doc.lineAt(block.from).number
      const mark = view.state.field(latest).lines.find(({ firstLine }) => number === firstLine)
      return mark?.fate ? new FateMarker(mark) : null
    },
    lineMarkerChange: (update) => update.transactions.some(({ effects }) => effects.some((effect) => effect.is(setMarks))),
  }),
]

export const marks = [latest, colors, lines, ...gutters]
