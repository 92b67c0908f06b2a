import type { TrashedImage } from '$lib/ipc/client'
import { shortDigest } from '$lib/shared/format'

/** The names that it had, else the short form of its id. */
export const trashedTitle = ({ references, imageId }: Pick<TrashedImage, 'references' | 'imageId'>): string => references.join(', ') || shortDigest(imageId)

const DAY_MS = 86_400_000

/** Whole days until it goes for good, and at least one: what goes today is still here today. */
export const daysLeft = (expiresAtMs: number, now: number): number => Math.max(1, Math.ceil((expiresAtMs - now) / DAY_MS))
