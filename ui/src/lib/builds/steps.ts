import type { BuildLine, BuildStep } from '$lib/ipc/client'

/** Steps and lines by their instruction. They are replaced and never changed, so that views see the change. */
export type StepsByNode = ReadonlyMap<number, BuildStep>
export type LinesByNode = ReadonlyMap<number, readonly BuildLine[]>

export const NO_STEPS: StepsByNode = new Map()
export const NO_LINES: LinesByNode = new Map()

/** So many lines of one step stay in the window; the rest can be read in the history. */
const LINES_KEPT = 5_000

export const withSteps = (known: StepsByNode, steps: readonly BuildStep[]): StepsByNode => new Map([...known, ...steps.map((step) => [step.node, step] as const)])

/** Adds lines to those of their steps. */
export function withLines(known: LinesByNode, lines: readonly BuildLine[]): LinesByNode {
  const added = new Map<number, BuildLine[]>()
  for (const line of lines) {
    const own = added.get(line.node)
    if (own) own.push(line)
    else added.set(line.node, [line])
  }
  const grown = [...added].map(([node, own]) => [node, [...(known.get(node) ?? []), ...own].slice(-LINES_KEPT)] as const)
  return new Map([...known, ...grown])
}
