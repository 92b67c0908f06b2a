import type { ImageSummary } from '$lib/ipc/client'

/** The dialog about an image that is open. */
class ImageDialogs {
  tagging = $state.raw<ImageSummary | null>(null)
  comparing = $state.raw<ImageSummary | null>(null)
  verifying = $state.raw<ImageSummary | null>(null)
}

export const imageDialogs = new ImageDialogs()
