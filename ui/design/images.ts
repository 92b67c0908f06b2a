import type { ImageDetail, ImageSummary, Layer } from '../src/lib/ipc/client'

const MIB = 1_048_576
const DAY_MS = 86_400_000

/** A digest that looks like one and is the same at every start. */
export function digest(seed: string): string {
  let value = 2_166_136_261
  let hex = ''
  for (let index = 0; hex.length < 64; index++) {
    for (const letter of seed + index) value = Math.imul(value ^ letter.charCodeAt(0), 16_777_619)
    hex += (value >>> 0).toString(16).padStart(8, '0')
  }
  return `sha256:${hex.slice(0, 64)}`
}

const ALPINE = ['ADD alpine-minirootfs-3.20.3-x86_64.tar.gz / # buildkit']
const NODE = [...ALPINE, 'RUN /bin/sh -c addgroup -g 1000 node && apk add --no-cache libstdc++ # buildkit', 'RUN /bin/sh -c apk add --no-cache yarn # buildkit', 'COPY docker-entrypoint.sh /usr/local/bin/ # buildkit']
const SHOP = [...NODE, 'COPY package.json package-lock.json ./ # buildkit', 'RUN /bin/sh -c npm ci --omit=dev && chmod +x /usr/local/bin/docker-entrypoint.sh && rm -rf /usr/share/man # buildkit', 'COPY . . # buildkit', 'RUN /bin/sh -c npm run build # buildkit']
const SIZES = [7.8, 117.4, 5.3, 0.0004, 0.31, 53.4, 2.9, 4.6]

interface Made {
  reference: string
  instructions: string[]
  days: number
  usedBy: string[]
}

const made: Made[] = [
  { reference: 'ghcr.io/acme/shop-api:2.14.0', instructions: SHOP, days: 3, usedBy: ['shop-api-1', 'shop-worker-1'] },
  { reference: 'postgres:16.4-alpine', instructions: [...ALPINE, 'RUN /bin/sh -c addgroup postgres # buildkit', 'RUN /bin/sh -c apk add postgresql16 # buildkit', 'COPY docker-entrypoint.sh / # buildkit'], days: 9, usedBy: ['shop-db-1'] },
  { reference: 'nginx:1.27-alpine', instructions: [...ALPINE, 'RUN /bin/sh -c apk add nginx # buildkit', 'COPY 30-tune-worker-processes.sh / # buildkit'], days: 9, usedBy: ['shop-web-1'] },
  { reference: 'redis:7.4-alpine', instructions: [...ALPINE, 'RUN /bin/sh -c apk add redis # buildkit', 'COPY docker-entrypoint.sh /usr/ # buildkit'], days: 12, usedBy: ['shop-cache-1'] },
  { reference: 'mysql:8.4', instructions: ['ADD oraclelinux.tar / # buildkit', 'RUN /bin/sh -c microdnf install mysql # buildkit', 'COPY entrypoint / # buildkit'], days: 21, usedBy: ['blog-mysql-1'] },
  { reference: 'ubuntu:14.04', instructions: ['ADD trusty.tar.xz / # buildkit', 'RUN /bin/sh -c apt-get update # buildkit', 'RUN /bin/sh -c mkdir -p /run/systemd # buildkit'], days: 1_300, usedBy: ['ubuntu-play'] },
  { reference: 'python:3.12-slim', instructions: ['ADD rootfs.tar.xz / # buildkit', 'RUN /bin/sh -c apt-get install ca-certificates # buildkit', 'RUN /bin/sh -c wget python.tar.xz # buildkit', 'RUN /bin/sh -c ln -s python3 python # buildkit'], days: 35, usedBy: ['etl-2024-11'] },
  { reference: 'terrarium/starter:latest', instructions: ['COPY busybox /bin/ # buildkit'], days: 0.01, usedBy: ['hello'] },
  { reference: 'alpine:3.20', instructions: ALPINE, days: 61, usedBy: [] },
]

function layersOf({ instructions }: Made): Layer[] {
  return instructions.map((createdBy, index) => {
    const seed = instructions.slice(0, index + 1).join()
    const sizeBytes = Math.round((SIZES[index] ?? 1) * MIB)
    const others = made.filter((other) => other.instructions !== instructions && other.instructions[index] === createdBy)
    return {
      digest: digest(`blob ${seed}`),
      diffId: digest(`diff ${seed}`),
      chainId: digest(`chain ${seed}`),
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      compressedBytes: Math.round(sizeBytes / 3),
      sizeBytes,
      createdBy,
      sharedWith: others.map(({ reference }) => reference),
    }
  })
}

export function summaries(): ImageSummary[] {
  return made.map((image) => {
    const layers = layersOf(image)
    const sum = (list: Layer[]): number => list.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
    return {
      id: digest(image.reference),
      manifestDigest: digest(`manifest ${image.reference}`),
      references: image.reference.startsWith('alpine') ? [image.reference, 'alpine:latest'] : [image.reference],
      repoDigests: [],
      createdAtMs: Date.now() - image.days * DAY_MS,
      sizeBytes: sum(layers),
      uniqueBytes: sum(layers.filter(({ sharedWith }) => sharedWith.length === 0)),
      compressedBytes: Math.round(sum(layers) / 3),
      platform: 'linux/amd64',
      layers: layers.map(({ chainId, sizeBytes }) => ({ chainId, sizeBytes })),
      usedBy: image.usedBy,
      labels: {},
    }
  })
}

export function detail(summary: ImageSummary): ImageDetail {
  const reference = summary.references[0] ?? ''
  const image = made.find((other) => other.reference === reference)
  const layers = image ? layersOf(image) : []
  const manifest = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: { digest: summary.id, size: 9_912 }, layers: layers.map(({ digest, mediaType, compressedBytes }) => ({ mediaType, digest, size: compressedBytes })) }
  const config = { architecture: 'amd64', os: 'linux', config: { Env: ['PATH=/usr/local/bin:/usr/bin:/bin'], Cmd: ['node', 'server.js'] }, rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) } }
  return {
    summary,
    config: { env: ['PATH=/usr/local/bin:/usr/bin:/bin'], entrypoint: ['docker-entrypoint.sh'], command: ['node', 'server.js'], workingDir: '/app', user: 'node', exposedPorts: ['3000/tcp'], volumes: [], stopSignal: null, labels: {}, architecture: 'amd64', os: 'linux', variant: null, author: null },
    history: [
      ...layers.map(({ createdBy, sizeBytes }, layer) => ({ createdBy: createdBy ?? '', createdAtMs: null, comment: null, layer, sizeBytes })),
      { createdBy: 'CMD ["node" "server.js"]', createdAtMs: null, comment: null, layer: null, sizeBytes: 0 },
    ],
    layers,
    documents: [
      { kind: 'index', digest: digest('index'), mediaType: 'application/vnd.oci.image.index.v1+json', json: JSON.stringify({ schemaVersion: 2, manifests: [{ digest: summary.manifestDigest, platform: { os: 'linux', architecture: 'amd64' } }] }) },
      { kind: 'manifest', digest: summary.manifestDigest, mediaType: manifest.mediaType, json: JSON.stringify(manifest) },
      { kind: 'config', digest: summary.id, mediaType: 'application/vnd.oci.image.config.v1+json', json: JSON.stringify(config) },
    ],
    names: [dissect(reference)],
  }
}

export function dissect(text: string): ImageDetail['names'][number] {
  const [path = '', tag] = text.split(':')
  const segments = path.split('/')
  const hasRegistry = segments.length > 1 && /[.:]|localhost/.test(segments[0] ?? '')
  const registry = hasRegistry ? segments.shift() : undefined
  const repository = segments.pop() ?? ''
  const namespace = segments.join('/')
  const part = (kind: 'registry' | 'namespace' | 'repository' | 'tag', value: string, implied: boolean) => ({ kind, text: value, implied })
  return {
    familiar: text,
    canonical: `${registry ?? 'docker.io'}/${namespace || 'library'}/${repository}:${tag ?? 'latest'}`,
    parts: [
      part('registry', registry ?? 'docker.io', registry === undefined),
      ...(namespace || !registry ? [part('namespace', namespace || 'library', namespace === '')] : []),
      part('repository', repository, false),
      part('tag', tag ?? 'latest', tag === undefined),
    ],
  }
}
