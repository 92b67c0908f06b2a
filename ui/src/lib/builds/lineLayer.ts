import type { Block, BuildRecord } from '$lib/ipc/client'

/** Where the files of an instruction are in the image of the latest build. */
export type LinePlace =
  | { kind: 'layer'; layer: number; stale: boolean }
  /** The image that it starts from, with so many layers. */
  | { kind: 'base'; layers: number }
  | { kind: 'noLayer' }
  | { kind: 'notBuilt' }
  | { kind: 'otherStage' }

/** Follows an instruction to its layer; `chains` are those of the image, bottom first. */
export function placeOf(built: BuildRecord | null, block: Block | undefined, chains: readonly string[]): LinePlace {
  if (block === undefined || built === null || chains.length === 0) return { kind: block && !block.makesLayer && block.keyword !== 'FROM' ? 'noLayer' : 'notBuilt' }
  if (block.keyword === 'FROM') {
    const own = built.steps.filter(({ stage, layer }) => stage === block.stage && layer !== null)
    const first = own.map(({ layer }) => chains.indexOf(layer?.chainId ?? '')).find((index) => index >= 0)
    return { kind: 'base', layers: first ?? chains.length }
  }
  if (!block.makesLayer) return { kind: 'noLayer' }
  const same = built.steps.filter(({ line, layer }) => line === block.line && layer !== null)
  // Two equal lines are told apart by their place.
  const step = same.find(({ node }) => node === block.node) ?? same[0] ?? built.steps.find(({ node, line }) => node === block.node && line.split(' ')[0] === block.line.split(' ')[0])
  if (!step) return { kind: 'notBuilt' }
  if (step.layer === null) return step.state === 'waiting' ? { kind: 'notBuilt' } : { kind: 'noLayer' }
  const layer = chains.indexOf(step.layer.chainId)
  return layer === -1 ? { kind: 'otherStage' } : { kind: 'layer', layer, stale: step.line !== block.line }
}
