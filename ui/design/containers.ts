import type { Attachment, ContainerDetail, ContainerSummary, CreateContainer, Sample, StatsHistory, Step } from '../src/lib/ipc/client'
import { emptyDraft, toRequest } from '../src/lib/containers/create/draft'
import { NO_LIMITS } from '../src/lib/containers/limits'
import { digest } from './images'

const MIB = 1_048_576
const HOUR_MS = 3_600_000

type More = Partial<ContainerSummary>

const place = (address: string): Attachment => ({
  network: 'bridge',
  interface: 'eth0',
  address,
  prefixLength: 16,
  ipv6Address: '',
  ipv6PrefixLength: 0,
  ipv6Gateway: '',
  gateway: '172.20.0.1',
  mac: '02:42:ac:14:00:03',
  bridge: 'br-terrarium',
  aliases: [],
})

export function make(name: string, image: string, more: More = {}): ContainerSummary {
  return {
    id: digest(name).slice(7),
    name,
    image,
    imageId: digest(image),
    command: ['docker-entrypoint.sh'],
    status: 'running',
    createdAtMs: Date.now() - 5 * HOUR_MS,
    startedAtMs: Date.now() - 3.2 * HOUR_MS,
    exit: null,
    health: null,
    pid: 48_213,
    ports: [],
    network: { type: 'bridge' },
    address: '172.20.0.3',
    limits: NO_LIMITS,
    labels: {},
    terminal: false,
    autoRemove: false,
    mounts: [],
    networks: [place(more.address === undefined ? '172.20.0.3' : (more.address ?? ''))],
    ...more,
  }
}

const port = (hostPort: number, containerPort: number) => ({ hostPort, containerPort, hostAddress: '0.0.0.0', protocol: 'tcp' as const })
const memory = (mib: number) => ({ ...NO_LIMITS, memoryBytes: mib * MIB })
const ended = (code: number, hours: number, oomKilled = false): More => ({ status: 'stopped', pid: null, address: null, exit: { code, oomKilled, atMs: Date.now() - hours * HOUR_MS, error: null } })

export const recorded = (): ContainerSummary[] => [
  make('shop-web-1', 'nginx:1.27-alpine', { ports: [port(8080, 80)], limits: memory(128) }),
  make('shop-api-1', 'ghcr.io/acme/shop-api:2.14.0', { ports: [port(3000, 3000)], limits: memory(512) }),
  make('shop-worker-1', 'ghcr.io/acme/shop-api:2.14.0', { limits: { ...memory(384), nanoCpus: 1_500_000_000, pids: 64 } }),
  make('shop-db-1', 'postgres:16.4-alpine', { ports: [port(5432, 5432)], limits: memory(1_024), mounts: [{ kind: 'volume', source: 'shop-data', target: '/var/lib/postgresql/data', readOnly: false, propagation: null, sizeBytes: null, mode: null, noCopy: false }] }),
  make('shop-cache-1', 'redis:7.4-alpine', { status: 'paused', startedAtMs: Date.now() - 240_000, limits: memory(64) }),
  make('blog-mysql-1', 'mysql:8.4', ended(137, 1.5, true)),
  make('twin-a', 'alpine:3.20', { startedAtMs: Date.now() - 1_560_000, terminal: true }),
  make('ubuntu-play', 'ubuntu:14.04', { startedAtMs: Date.now() - 1.1 * HOUR_MS }),
  make('new-one', 'alpine:3.20', { status: 'created', startedAtMs: null, pid: null, createdAtMs: Date.now() - 60_000 }),
  make('etl-2024-11', 'python:3.12-slim', ended(0, 2)),
  make('hello', 'terrarium/starter:latest', ended(0, 26)),
]

export const many = (count: number): ContainerSummary[] =>
  Array.from({ length: count }, (_, index) => make(`worker-${index + 1}`, 'alpine:3.20', index % 3 === 0 ? ended(0, index) : {}))

const STEPS: [string, number, number, string][] = [
  ['resolve image', 0, 184, 'sha256:0d82…be14'],
  ['prepare snapshot', 184, 402, '8 layers below, upper empty'],
  ['mount overlay', 402, 588, 'lowerdir=… upperdir=…/fs workdir=…/work index=off,redirect_dir=off'],
  ['create cgroup', 588, 741, 'memory.max = 536870912, pids.max = 256'],
  ['clone3', 741, 1_213, 'CLONE_NEWNS|CLONE_NEWPID|CLONE_NEWNET|CLONE_NEWIPC|CLONE_NEWUTS|CLONE_NEWCGROUP'],
  ['network veth pair', 1_213, 2_604, 'veth3f9c1ab ↔ eth0'],
  ['network address', 2_604, 3_912, '172.20.0.3/16 via 172.20.0.1'],
  ['network bridge', 3_912, 4_871, 'br-terrarium'],
  ['mount proc sys dev', 1_220, 2_885, '/proc /sys /dev /dev/pts /dev/shm'],
  ['pivot_root', 4_880, 4_962, '"." "."'],
  ['mask paths', 4_962, 5_391, '9 masked, 5 read-only'],
  ['set hostname', 5_391, 5_442, 'shop-api-1'],
  ['drop capabilities', 5_442, 5_470, '27 of 41 dropped'],
  ['load seccomp filter', 5_470, 5_918, '412 instructions'],
  ['execve', 5_918, 6_747, 'docker-entrypoint.sh node server.js'],
]

export const timeline = (): Step[] => STEPS.map(([name, startUsec, endUsec, detail]) => ({ name, startUsec, endUsec, detail }))

export function detail(summary: ContainerSummary): ContainerDetail {
  const request: CreateContainer = { ...toRequest(emptyDraft(summary.image)), name: summary.name }
  const spec = { ociVersion: '1.2.1', root: { path: 'rootfs', readonly: false }, process: { args: ['docker-entrypoint.sh', 'node', 'server.js'], noNewPrivileges: false }, linux: { resources: { memory: { limit: summary.limits.memoryBytes }, pids: { limit: 256 } }, rootfsPropagation: 'rprivate' } }
  return {
    summary,
    request,
    env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'NODE_ENV=production', 'DATABASE_URL=postgres://shop@shop-db-1/shop', 'PORT=3000'],
    path: 'docker-entrypoint.sh',
    args: ['node', 'server.js'],
    workingDir: '/app',
    user: 'node',
    hostname: summary.name,
    restartCount: 0,
    timeline: summary.startedAtMs === null ? [] : timeline(),
    notes: [{ name: 'memory.swap', text: 'this kernel counts no swap, so the swap limit is not set' }],
    spec: summary.startedAtMs === null ? null : JSON.stringify(spec),
    chainId: digest('chain'),
    upperDir: '/var/lib/terrarium/snapshots/42/fs',
    logPath: `/var/lib/terrarium/containers/${summary.id.slice(0, 12)}/log`,
    cgroup: `/terrarium/${summary.id.slice(0, 12)}`,
    manifestDigest: digest('manifest'),
    healthCheck: null,
    health: null,
  }
}

const wave = (seed: number, at: number): number => 0.5 + 0.3 * Math.sin(at / 7 + seed) + 0.2 * Math.sin(at / 2.3 + seed * 3) + 0.1 * Math.sin(at * 1.7)

export function sample(container: ContainerSummary, atMs: number): Sample {
  const seed = parseInt(container.id.slice(0, 4), 16) % 13
  const at = atMs / 1_000
  const busy = container.name === 'shop-worker-1' ? 148 : 4 + seed * 2
  const limit = container.limits.memoryBytes
  const level = Math.max(0, wave(seed, at))
  const paused = container.status === 'paused'
  return {
    atMs,
    cpuPercent: paused ? 0 : Math.min(busy * level * 1.2, busy),
    throttledPercent: busy > 100 && level > 0.8 ? 28 : 0,
    memoryBytes: (limit ?? 300 * MIB) * (0.35 + 0.3 * level),
    cacheBytes: 41 * MIB,
    memoryLimitBytes: limit,
    blockReadBytesPerS: Math.max(0, wave(seed + 1, at * 2)) * 4 * MIB,
    blockWriteBytesPerS: Math.max(0, wave(seed + 2, at * 1.4)) * 9 * MIB,
    netInBytesPerS: Math.max(0, wave(seed + 3, at * 1.1)) * 2.9 * MIB,
    netOutBytesPerS: Math.max(0, wave(seed + 4, at)) * 0.8 * MIB,
    pids: Math.round(20 + 4 * level),
    pidsLimit: container.limits.pids,
    oomKills: 0,
  }
}

export function history(container: ContainerSummary, rangeS: number, points: number): StatsHistory {
  const now = Date.now()
  const step = (rangeS * 1_000) / points
  return {
    samples: Array.from({ length: points }, (_, index) => sample(container, now - (points - 1 - index) * step)),
    sources: [
      { file: 'cpu.stat', key: 'usage_usec', value: 9_214_770_112 },
      { file: 'memory.current', key: null, value: 315_621_376 },
      { file: 'io.stat', key: 'wbytes', value: 6_118_440_960 },
      { file: 'pids.current', key: null, value: 23 },
    ],
    incidents: [
      { atMs: now - rangeS * 600, durationMs: rangeS * 110, kind: 'throttled' },
      { atMs: now - rangeS * 430, durationMs: 0, kind: 'oomKill' },
    ],
  }
}
