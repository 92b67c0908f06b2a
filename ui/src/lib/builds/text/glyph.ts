/** What happens to the step of a line, as a shape. */
export type LineFate = 'cached' | 'runs' | 'running' | 'done' | 'failed' | 'waiting' | 'unneeded'

const SVG = 'http://www.w3.org/2000/svg'

/** The shapes of the states, as the other views draw them. */
const SHAPES: Record<LineFate, { color: string; paths: readonly string[]; filled?: boolean }> = {
  cached: { color: 'var(--cached)', paths: ['M7 1.8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 7 1.8z', 'm4.7 7.1 1.6 1.6 3-3.2'] },
  done: { color: 'var(--running)', paths: ['M7 1.8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 7 1.8z', 'm4.7 7.1 1.6 1.6 3-3.2'] },
  runs: { color: 'var(--missed)', paths: ['M7 1.3 12.7 7 7 12.7 1.3 7z', 'M7 4.6v2.7M7 9.3v.1'] },
  running: { color: 'var(--building)', paths: ['M7 2.4A4.6 4.6 0 0 1 11.6 7'] },
  failed: { color: 'var(--failed)', paths: ['M7 1.6 13 12.2H1z'], filled: true },
  waiting: { color: 'var(--exited)', paths: ['M7 2.4a4.6 4.6 0 1 1 0 9.2A4.6 4.6 0 0 1 7 2.4z'] },
  unneeded: { color: 'var(--text-3)', paths: ['M3 7h8'] },
}

/** A mark for the gutter. */
export function glyphFor(fate: LineFate, label: string): SVGElement {
  const shape = SHAPES[fate]
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '0 0 14 14')
  svg.setAttribute('width', '13')
  svg.setAttribute('height', '13')
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', label)
  svg.style.color = shape.color
  for (const d of shape.paths) {
    const path = document.createElementNS(SVG, 'path')
    path.setAttribute('d', d)
    path.setAttribute('fill', shape.filled ? 'currentColor' : 'none')
    path.setAttribute('stroke', 'currentColor')
    path.setAttribute('stroke-width', '1.5')
    svg.append(path)
  }
  return svg
}
