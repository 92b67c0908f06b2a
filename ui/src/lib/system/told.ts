import { CAUSES, DETAILS } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'

type Text = readonly [code: string, template: string]

/** A value can be one of these texts itself, and a value of that one too. */
const DEEPEST = 3

/** Why something failed, in the language of the window; words that are nobody's stay as they came. */
export const toldCause = (text: string): string => told(CAUSES, t.causes, text)

/** What a step worked on, in the language of the window; names of the kernel stay. */
export const toldDetail = (text: string): string => told(DETAILS, t.details, text)

function told(known: readonly Text[], texts: Readonly<Record<string, string>>, text: string, depth = 0): string {
  if (depth === DEEPEST) return text
  for (const [code, template] of known) {
    const values = valuesOf(template, text)?.values()
    const said = texts[code]
    if (values && said !== undefined) return said.replaceAll('{}', () => told(known, texts, values.next().value ?? '', depth + 1))
  }
  return text
}

/** What stands at each `{}` of a template; none when the text is another one. A text begins with a name or with words of its own. */
export function valuesOf(template: string, text: string): string[] | undefined {
  const [start = '', ...pieces] = template.split('{}')
  if (!text.startsWith(start)) return undefined
  const values: string[] = []
  let rest = text.slice(start.length)
  for (const [index, piece] of pieces.entries()) {
    const isLast = index === pieces.length - 1
    const end = isLast ? rest.length - piece.length : rest.indexOf(piece)
    if (end < 0 || !rest.startsWith(piece, end)) return undefined
    values.push(rest.slice(0, end))
    rest = rest.slice(end + piece.length)
  }
  const isName = start !== '' || !values[0]?.includes(' ')
  return rest === '' && isName ? values : undefined
}
