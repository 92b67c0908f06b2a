import type { Dissection, DocumentFact, NamePart, NamePartKind } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'

export interface PartView {
  kind: NamePartKind
  /** With the separator that stands after it. */
  text: string
  implied: boolean
  label: string
  note: string
}

/** What stands after a part depends on the next one: `registry/`, `repository:` before a tag, `repository@` before a digest. */
function separator(next: NamePart | undefined): string {
  if (next === undefined) return ''
  if (next.kind === 'tag') return ':'
  return next.kind === 'digest' ? '@' : '/'
}

function noteOf({ kind, implied }: NamePart): string {
  const n = t.pull.notes
  if (implied) return kind === 'namespace' ? n.impliedNamespace : kind === 'tag' ? n.impliedTag : n.impliedRegistry
  return kind === 'tag' ? n.tag : kind === 'digest' ? n.digest : n.typed
}

/** What is worth knowing of a document that a pull has read. */
export function factText(fact: DocumentFact): string {
  switch (fact.type) {
    case 'platform':
      return fact.platform
    case 'platforms':
      return t.pull.platforms(fact.count)
    case 'settings':
      return t.pull.settings(fact.count)
  }
}

/** The parts of a name as the dissector draws them. */
export function partViews({ parts }: Dissection): PartView[] {
  return parts.map((part, index) => ({
    kind: part.kind,
    text: part.text + separator(parts[index + 1]),
    implied: part.implied,
    label: t.pull.parts[part.kind],
    note: noteOf(part),
  }))
}
