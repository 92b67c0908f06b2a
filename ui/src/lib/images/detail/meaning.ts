import type { ImageDocument } from '$lib/ipc/client'

/** One line of what a document says: a name from the message catalog or from the document, and its value. */
export interface Meaning {
  what: 'platform' | 'config' | 'layer' | 'command' | 'entrypoint' | 'user' | 'workingDir' | 'environment' | 'ports' | 'diffIds' | 'history'
  note?: string
  value: string
  digest?: string
  sizeBytes?: number
}

/** Documents come from a registry: nothing in them has to be of the type that it should be. */
type Loose = Record<string, unknown>

const loose = (value: unknown): Loose => (value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Loose) : {})
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const size = (value: unknown): { sizeBytes: number } | object => (typeof value === 'number' ? { sizeBytes: value } : {})

/** A platform that is no platform is a signature or a build record beside the image. */
function platform(of: Loose): string {
  const { os, architecture, variant } = of
  return [os, architecture, variant].map(text).filter(Boolean).join('/')
}

function ofIndex(index: Loose): Meaning[] {
  return list(index.manifests).map(loose).map((entry) => ({ what: 'platform', note: platform(loose(entry.platform)), value: '', digest: text(entry.digest), ...size(entry.size) }))
}

function ofManifest(manifest: Loose): Meaning[] {
  const config = loose(manifest.config)
  const layers = list(manifest.layers).map(loose)
  return [
    { what: 'config', value: '', digest: text(config.digest), ...size(config.size) },
    ...layers.map((layer, index): Meaning => ({ what: 'layer', note: String(index + 1), value: '', digest: text(layer.digest), ...size(layer.size) })),
  ]
}

function ofConfig(document: Loose): Meaning[] {
  const config = loose(document.config)
  const words = (value: unknown): string => list(value).map(text).join(' ')
  const all: Meaning[] = [
    { what: 'platform', value: platform(document) },
    { what: 'entrypoint', value: words(config.Entrypoint) },
    { what: 'command', value: words(config.Cmd) },
    { what: 'user', value: text(config.User) },
    { what: 'workingDir', value: text(config.WorkingDir) },
    { what: 'ports', value: Object.keys(loose(config.ExposedPorts)).join(', ') },
    { what: 'environment', value: list(config.Env).map(text).join('\n') },
    { what: 'diffIds', value: String(list(loose(document.rootfs).diff_ids).length) },
    { what: 'history', value: String(list(document.history).length) },
  ]
  return all.filter(({ value }) => value !== '')
}

/** What a document says, line by line; nothing for one that cannot be read. */
export function meaning({ kind, json }: ImageDocument): Meaning[] {
  try {
    const document = loose(JSON.parse(json))
    return { index: ofIndex, manifest: ofManifest, config: ofConfig }[kind](document)
  } catch {
    return []
  }
}
