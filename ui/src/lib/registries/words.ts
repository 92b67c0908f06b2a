import type { RegistryFinding, SignInPlace } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'

/** Where a secret is, and who else can read it. */
export function keptAt(place: SignInPlace): { value: string; full?: string } {
  const { places } = t.registries
  if (place.type === 'helper') return { value: places.helper(place.helper) }
  return { value: places[place.type](place.path), full: place.path }
}

/** What a step of a test found, as a sentence. */
export function found(finding: RegistryFinding): string {
  const words = t.registries.found
  switch (finding.type) {
    case 'addresses':
      return finding.addresses.join(', ')
    case 'answer':
      return words.answer(finding.address, finding.certificateChecked)
    case 'taken':
      return words.taken(finding.username)
    default:
      return words[finding.type]
  }
}

/** The repositories that a typed word could mean; `docker.io` has a folder for those without a name in front. */
export const repositoryName = (host: string, repository: string): string =>
  host === 'docker.io' && !repository.includes('/') ? `docker.io/library/${repository}` : `${host}/${repository}`
