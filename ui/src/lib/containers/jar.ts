import { jarBands, type Stratum } from '$lib/shared/strata'
import { overview } from '$lib/system/overview.svelte'

/** The jar of an image that may be gone: then it is empty. */
export function bandsOf(imageId: string): Stratum[] {
  const image = overview.images.find(({ id }) => id === imageId)
  return jarBands(image?.layers.map(({ chainId }) => chainId) ?? [])
}
