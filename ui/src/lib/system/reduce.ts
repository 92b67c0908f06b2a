import type { Change, Overview } from '$lib/ipc/client'

/** What a change leads to: a newer overview, no difference, or the need to ask for a whole one. */
export type Reduced = Overview | 'known' | 'stale'

type Row = Overview['containers'][number] | Overview['images'][number] | Overview['volumes'][number] | Overview['activities'][number]

const rowId = (row: Row): string => ('id' in row ? row.id : row.name)

/** Replaces a row where it stands, so that no row moves; a new one comes first. */
function upsert<T extends Row>(rows: readonly T[], value: T): T[] {
  const at = rows.findIndex((row) => rowId(row) === rowId(value))
  return at === -1 ? [value, ...rows] : rows.with(at, value)
}

const without = <T extends Row>(rows: readonly T[], id: string): T[] => rows.filter((row) => rowId(row) !== id)

const LISTS = { container: 'containers', image: 'images', volume: 'volumes', activity: 'activities' } as const

/** Applies one change. Revisions have no gaps: a gap means that something was missed. */
export function reduce(overview: Overview, { revision, change }: Change): Reduced {
  if (change.type === 'lagged') return 'stale'
  if (revision <= overview.revision) return 'known'
  if (revision !== overview.revision + 1) return 'stale'
  switch (change.type) {
    case 'container':
      return { ...overview, revision, containers: upsert(overview.containers, change.value) }
    case 'image':
      return { ...overview, revision, images: upsert(overview.images, change.value) }
    case 'volume':
      return { ...overview, revision, volumes: upsert(overview.volumes, change.value) }
    case 'activity':
      return { ...overview, revision, activities: upsert(overview.activities, change.value) }
    case 'trash':
      return { ...overview, revision, trash: change.value }
    case 'removed': {
      const list = LISTS[change.kind]
      return { ...overview, revision, [list]: without<Row>(overview[list], change.id) }
    }
  }
}
