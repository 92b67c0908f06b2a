import type { Activity } from '$lib/ipc/client'
import type { Glyph } from '$lib/shared/components/StateGlyph.svelte'

const GLYPHS: Record<Activity['state'], Glyph> = { running: 'pending', succeeded: 'done', failed: 'failed', canceled: 'exited' }

export const glyphOf = ({ state }: Activity): Glyph => GLYPHS[state]

/** Running work first, then what ended last. */
export function inOrder(activities: readonly Activity[]): Activity[] {
  return activities.toSorted((a, b) => {
    const running = Number(b.state === 'running') - Number(a.state === 'running')
    return running || (b.finishedAtMs ?? b.startedAtMs) - (a.finishedAtMs ?? a.startedAtMs)
  })
}
