import type { ImageSummary } from '$lib/ipc/client'
import { imageTitle, splitTag } from './name'

/** A row of the list of images: one image, or the head of several that share a repository. */
export type ListRow =
  | { kind: 'group'; key: string; repository: string; images: readonly ImageSummary[] }
  | { kind: 'image'; key: string; image: ImageSummary; inGroup: boolean }

/** The repository that an image is called by; empty for one without a name. */
export const repositoryOf = (image: ImageSummary): string => (image.references.length === 0 ? '' : splitTag(imageTitle(image)).name)

/** Images by repository, in the order of its name; within one the newest first, and those without a name last of all. */
export function groups(images: readonly ImageSummary[], compare: (a: string, b: string) => number): [string, ImageSummary[]][] {
  const all = new Map<string, ImageSummary[]>()
  for (const image of images) all.set(repositoryOf(image), [...(all.get(repositoryOf(image)) ?? []), image])
  const last = (repository: string): number => Number(repository === '')
  const newest = (a: ImageSummary, b: ImageSummary): number => (b.createdAtMs ?? 0) - (a.createdAtMs ?? 0)
  return [...all.entries()]
    .map(([repository, some]): [string, ImageSummary[]] => [repository, some.toSorted(newest)])
    .sort(([a], [b]) => last(a) - last(b) || compare(a, b))
}

/** The rows of the list. A repository with one image needs no head of its own; images without a name always have one. */
export function rowsOf(grouped: readonly [string, ImageSummary[]][]): ListRow[] {
  return grouped.flatMap(([repository, images]): ListRow[] => {
    const inGroup = images.length > 1 || repository === ''
    const rows = images.map((image): ListRow => ({ kind: 'image', key: image.id, image, inGroup }))
    return inGroup ? [{ kind: 'group', key: `group ${repository}`, repository, images }, ...rows] : rows
  })
}
