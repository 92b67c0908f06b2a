import type { ImageSummary } from '$lib/ipc/client'
import { imageTitle } from '../name'

/** What a file of these images is called when nobody says: by the image, or by how many there are. */
export function fileName(images: readonly ImageSummary[]): string {
  const [first] = images
  if (first === undefined || images.length > 1) return `images-${images.length}.tar`
  const name = imageTitle(first).split('/').at(-1) ?? 'image'
  return `${name.replace(/[^A-Za-z0-9_.-]+/g, '-')}.tar`
}
