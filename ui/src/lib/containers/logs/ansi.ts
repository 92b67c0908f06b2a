/** A piece of a line in one color: a number of the 8 basic colors, or none. */
export interface Span {
  text: string
  color: number | null
  bold: boolean
}

// Colors end with `m`; every other sequence moves a cursor that a log does not have.
const ESCAPE = /\u001b(?:\[([0-9;?]*)([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g

/** Applies the codes of one sequence to the style before it. */
function styled(before: Omit<Span, 'text'>, codes: string): Omit<Span, 'text'> {
  let { color, bold } = before
  for (const code of codes === '' ? [0] : codes.split(';').map(Number)) {
    if (code === 0) [color, bold] = [null, false]
    else if (code === 1) bold = true
    else if (code === 22) bold = false
    else if (code === 39) color = null
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) color = code % 10
    // 256 and true colors carry their arguments in the codes that follow; they keep the color of the text.
    else if (code === 38 || code === 48) break
  }
  return { color, bold }
}

/** Cuts a line of a log at its colors and drops every other escape sequence. */
export function parseAnsi(line: string): Span[] {
  const spans: Span[] = []
  let style: Omit<Span, 'text'> = { color: null, bold: false }
  let end = 0
  for (const match of line.matchAll(ESCAPE)) {
    if (match.index > end) spans.push({ text: line.slice(end, match.index), ...style })
    if (match[2] === 'm') style = styled(style, match[1] ?? '')
    end = match.index + match[0].length
  }
  if (end < line.length) spans.push({ text: line.slice(end), ...style })
  return spans
}

/** The text that a person reads; what a search looks through. */
export const plainText = (line: string): string => line.replace(ESCAPE, '')
