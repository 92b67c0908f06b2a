/** The repository of a name that goes on to its tag, `alpine:` or `ghcr.io/a/b:1`; none while there is no tag to look for. */
export function repositoryOf(image: string): string | null {
  const colon = image.lastIndexOf(':')
  // A colon before a slash is that of a port; digests and variables name no tag.
  if (colon <= 0 || image.includes('/', colon) || /[@$\s]/.test(image)) return null
  return image.slice(0, colon)
}
