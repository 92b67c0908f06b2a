import type { ImageSummary } from '$lib/ipc/client'
import { shortDigest } from '$lib/shared/format'

/** The name that a person calls it by: its first reference, else the short form of its id. */
export const imageTitle = ({ references, id }: ImageSummary): string => references[0] ?? shortDigest(id)

/** `nginx:1.27` in two parts: the tag is set quieter. A colon before a slash belongs to a port. */
export function splitTag(reference: string): { name: string; tag: string } {
  const at = reference.lastIndexOf(':')
  return at === -1 || reference.includes('/', at) ? { name: reference, tag: '' } : { name: reference.slice(0, at), tag: reference.slice(at) }
}

/** Finds images by every word of a query, in their names, ids and digests. */
export function searchImages(images: readonly ImageSummary[], query: string): ImageSummary[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  return images.filter((image) => {
    const text = [...image.references, image.id, image.manifestDigest, image.platform].join('\n').toLowerCase()
    return words.every((word) => text.includes(word))
  })
}

export const USES = ['all', 'used', 'unused', 'unnamed'] as const
export type Use = (typeof USES)[number]

/** Whether an image belongs to a part of the list. An unnamed one is often what a newer build left behind. */
export const hasUse = ({ usedBy, references }: ImageSummary, use: Use): boolean =>
  ({ all: true, used: usedBy.length > 0, unused: usedBy.length === 0, unnamed: references.length === 0 })[use]
