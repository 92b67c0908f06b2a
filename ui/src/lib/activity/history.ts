import type { LifecycleEvent } from '$lib/ipc/client'
import { shortDigest } from '$lib/shared/format'

const NS_PER_MS = 1_000_000
const SHORT_ID = 12

export const eventTime = ({ atNs }: LifecycleEvent): number => Math.floor(atNs / NS_PER_MS)

/** The object by the name that a person gives it, with the code when it ended. */
export function eventSubject({ id, attributes }: LifecycleEvent): string {
  const name = attributes['name'] ?? (id.includes(':') ? shortDigest(id) : id.slice(0, SHORT_ID))
  const code = attributes['exitCode']
  return code === undefined ? name : `${name} (${code})`
}
