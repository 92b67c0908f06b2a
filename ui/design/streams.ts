import type { BlobProgress, LogLine, PullProgress } from '../src/lib/ipc/client'
import { digest } from './images'

const MIB = 1_048_576

const TEXTS = [
  '\u001b[32mINFO\u001b[0m  GET /api/items 200 4.1 ms',
  '\u001b[32mINFO\u001b[0m  GET /api/cart 200 7.8 ms',
  '\u001b[33mWARN\u001b[0m  slow query: SELECT * FROM orders WHERE status = $1 (212 ms)',
  '\u001b[36mDEBUG\u001b[0m cache hit ratio 0.94, 1,204 entries, evicting nothing',
  '\u001b[31mERROR\u001b[0m connect ECONNREFUSED 172.20.0.5:6379: retry 3 of 5 in 400 ms',
]

export function logLine(index: number, atMs: number): LogLine {
  const text = TEXTS[index % TEXTS.length] ?? ''
  return { atMs, atSubmsNs: 0, stream: text.includes('ERROR') ? 'stderr' : 'stdout', text: `${text} #${index}\n` }
}

const lapse = (startUsec: number, endUsec: number, nowUsec: number) =>
  startUsec > nowUsec ? null : { startUsec, endUsec: endUsec > nowUsec ? null : endUsec }

interface Planned {
  layer: number | null
  mib: number
  from: number
  to: number
  shared?: string[]
}

const PLAN: Planned[] = [
  { layer: null, mib: 0.01, from: 100_000, to: 180_000 },
  { layer: 1, mib: 3.5, from: 0, to: 0, shared: ['redis:7.4-alpine', 'alpine:3.20', 'nginx:1.27-alpine'] },
  { layer: 2, mib: 34.1, from: 0, to: 0, shared: ['postgres:16.4-alpine'] },
  { layer: 3, mib: 1.3, from: 220_000, to: 680_000 },
  { layer: 4, mib: 8.4, from: 220_000, to: 1_190_000 },
  { layer: 5, mib: 61.3, from: 220_000, to: 3_700_000 },
  { layer: 6, mib: 0.0002, from: 220_000, to: 300_000 },
  { layer: 7, mib: 0.009, from: 220_000, to: 340_000 },
]

function blobAt({ layer, mib, from, to, shared }: Planned, now: number): BlobProgress {
  const sizeBytes = Math.round(mib * MIB)
  const base = { digest: digest(`pull ${layer}`), layer, sizeBytes, sharedWith: shared ?? [] }
  if (shared) return { ...base, downloadedBytes: 0, phase: 'alreadyHere', download: null, verify: null, unpack: null }
  const part = Math.min(Math.max((now - from) / (to - from), 0), 1)
  const verifyEnd = to + (to - from) * 0.06
  const unpackEnd = verifyEnd + (to - from) * 0.3
  const phase = now < from ? 'waiting' : now < to ? 'downloading' : now < verifyEnd ? 'verifying' : now < unpackEnd && layer !== null ? 'unpacking' : 'done'
  return {
    ...base,
    downloadedBytes: Math.round(sizeBytes * part),
    phase,
    download: lapse(from, to, now),
    verify: lapse(to, verifyEnd, now),
    unpack: layer === null ? null : lapse(verifyEnd, unpackEnd, now),
  }
}

export const PULL_END_USEC = 5_200_000

/** A recorded pull at one moment. */
export function pullAt(reference: string, now: number): PullProgress {
  const blobs = now < 90_000 ? [] : PLAN.map((planned) => blobAt(planned, now))
  const sum = (list: BlobProgress[], key: 'sizeBytes' | 'downloadedBytes'): number => list.reduce((total, blob) => total + blob[key], 0)
  const here = blobs.filter(({ phase }) => phase === 'alreadyHere')
  return {
    activity: 'pull-1',
    reference,
    stage: now < 90_000 ? 'resolving' : now < PULL_END_USEC ? 'fetching' : 'done',
    documents: [
      { kind: 'index' as const, digest: digest('pull index'), sizeBytes: 9_000, fact: { type: 'platforms' as const, count: 11 }, at: 30_000 },
      { kind: 'manifest' as const, digest: digest('pull manifest'), sizeBytes: 2_000, fact: { type: 'platform' as const, platform: 'linux/amd64' }, at: 60_000 },
      { kind: 'config' as const, digest: digest('pull null'), sizeBytes: 9_900, fact: { type: 'settings' as const, count: 21 }, at: 180_000 },
    ].filter(({ at }) => at <= now),
    blobs,
    downloadedBytes: sum(blobs, 'downloadedBytes'),
    toDownloadBytes: sum(blobs, 'sizeBytes') - sum(here, 'sizeBytes'),
    savedBytes: sum(here, 'sizeBytes'),
    elapsedUsec: now,
    imageId: now < PULL_END_USEC ? null : digest('postgres:16.4-alpine'),
    manifestDigest: null,
    upToDate: false,
  }
}
