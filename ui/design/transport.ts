import type { ActionTrace, Change, ChangeKind, Commands, ContainerSummary, LogLine, Overview, Settings, Step, Streams, Volume } from '../src/lib/ipc/client'
import type { CommandName, StreamName, Subscription, Transport } from '../src/lib/ipc/transport'
import * as containers from './containers'
import * as images from './images'
import { networks, ports, probed } from './networks'
import { logLine, pullAt, PULL_END_USEC } from './streams'
import { system } from './system'

interface Options {
  settings: Settings
  empty: boolean
  many: number
  failed: boolean
}

type Handlers = { [K in CommandName]?: (request: Commands[K]['request']) => Commands[K]['reply'] }
type Send<K extends StreamName> = (message: Streams[K]['message']) => void
type Streamers = { [K in StreamName]?: (request: Streams[K]['request'], send: Send<K>, end: (reply: Streams[K]['reply']) => void) => () => void }

const KERNEL: Step[] = [
  { name: 'open', startUsec: 0, endUsec: 21, detail: 'cgroup.freeze' },
  { name: 'write', startUsec: 21, endUsec: 59, detail: '"1"' },
  { name: 'pidfd_send_signal', startUsec: 59, endUsec: 88, detail: 'SIGTERM to host PID 48213' },
  { name: 'epoll_wait', startUsec: 88, endUsec: 2_310, detail: 'cgroup.events: populated 0' },
]

/** A recorded engine. It answers like the real one, and nothing it says was measured. */
export class DemoTransport implements Transport {
  #options: Options
  #overview: Overview
  #log = Array.from({ length: 20_000 }, (_, index) => logLine(index, Date.now() - (20_000 - index) * 900))
  #watchers = new Set<(change: Change) => void>()

  constructor(options: Options) {
    this.#options = options
    const volume = (name: string, usedBy: string[], anonymous = false): Volume => ({ name, usedBy, anonymous, mountpoint: `/var/lib/terrarium/volumes/${name}/_data`, createdAtMs: Date.now() - 86_400_000, labels: {} })
    const { empty, many } = options
    this.#overview = {
      revision: 1,
      containers: empty ? [] : [...containers.recorded(), ...containers.many(many)],
      images: empty ? [] : images.summaries(),
      volumes: empty ? [] : [volume('shop-data', ['shop-db-1']), volume('uploads', []), volume('3f9c1ab2d4e5', [], true)],
      activities: empty ? [] : [
        { id: 'a1', kind: 'pull', subject: 'postgres:16-alpine', state: 'running', progress: { doneBytes: 50_700_000, totalBytes: 74_000_000 }, startedAtMs: Date.now() - 2_600, finishedAtMs: null, error: null, pull: pullAt('docker.io/library/postgres:16-alpine', 2_600_000) },
        { id: 'a2', kind: 'startContainer', subject: 'shop-api-1', state: 'succeeded', progress: null, startedAtMs: Date.now() - 60_000, finishedAtMs: Date.now() - 59_993, error: null, pull: null },
        { id: 'a3', kind: 'pull', subject: 'ghcr.io/acme/web:1.4', state: 'failed', progress: null, startedAtMs: Date.now() - 90_000, finishedAtMs: Date.now() - 89_000, error: { code: 'unauthorized', message: 'pull "ghcr.io/acme/web:1.4"', causes: ['fetch the manifest', 'the registry answered 401 Unauthorized'], hint: 'sign in to ghcr.io', advice: { code: 'signIn', values: ['ghcr.io'] } }, pull: null },
      ],
      trash: { images: 0 },
      system: system(),
    }
  }

  #change(change: ChangeKind): void {
    this.#overview.revision++
    for (const watcher of this.#watchers) watcher({ revision: this.#overview.revision, change })
  }

  #container(key: string): ContainerSummary {
    const found = this.#overview.containers.find(({ id, name }) => id === key || name === key)
    if (!found) throw { code: 'noSuchContainer', message: `container "${key}"`, causes: [], hint: null, advice: null }
    return found
  }

  #trace(action: string, subject: string, command: string): ActionTrace {
    return { action, subject, command, kernel: action === 'container.start' ? containers.timeline() : KERNEL, totalUsec: 2_310, atMs: Date.now() }
  }

  #set(verb: string, key: string, more: Partial<ContainerSummary>) {
    const before = this.#container(key)
    const value = { ...before, ...more }
    this.#overview.containers = this.#overview.containers.map((other) => (other.id === value.id ? value : other))
    this.#change({ type: 'container', value })
    return { value, trace: this.#trace(`container.${verb}`, value.name, `docker ${verb} ${value.name}`) }
  }

  #commands: Handlers = {
    log_lines: ({ from, count }) => ({ edition: 1, from, lines: this.#log.slice(from, from + count) }),
    find_in_log: ({ text, stdout, stderr, from }) => {
      const wanted = ({ text: line, stream }: LogLine): boolean => (stream === 'stdout' ? stdout : stderr) && line.toLowerCase().includes(text.toLowerCase())
      const lines = this.#log.flatMap((line, number) => (number >= from && wanted(line) ? [number] : []))
      return { edition: 1, lines, end: this.#log.length, more: false }
    },
    overview: () => {
      if (this.#options.failed) throw { code: 'dataRootLocked', message: 'lock "/var/lib/terrarium/lock"', causes: ['terrariumd (PID 812) holds it'], hint: 'stop terrariumd, or use its socket', advice: null }
      return { ...this.#overview }
    },
    settings: () => this.#options.settings,
    save_settings: (settings) => (this.#options.settings = settings),
    disk_usage: () => ({ layersBytes: 1.2e9, blobsBytes: 4.1e8, containersBytes: 6.3e7, volumesBytes: 8.8e8, sharedBytes: 2.1e9, freeBytes: 9.1e10 }),
    start_container: ({ container }) => this.#set('start', container, { status: 'running', startedAtMs: Date.now(), pid: 50_000, exit: null }),
    stop_container: ({ container }) => this.#set('stop', container, { status: 'stopped', pid: null, exit: { code: 143, oomKilled: false, atMs: Date.now(), error: null } }),
    restart_container: ({ container }) => this.#set('restart', container, { status: 'running', startedAtMs: Date.now() }),
    pause_container: ({ container }) => this.#set('pause', container, { status: 'paused' }),
    resume_container: ({ container }) => this.#set('unpause', container, { status: 'running' }),
    kill_container: ({ container }) => this.#set('kill', container, { status: 'stopped', pid: null, exit: { code: 137, oomKilled: false, atMs: Date.now(), error: null } }),
    update_container: ({ container, limits }) => this.#set('update', container, { limits: { ...this.#container(container).limits, ...Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== null)) } }),
    rename_container: ({ container, name }) => this.#set('rename', container, { name }),
    remove_container: ({ container }) => {
      const { id, name } = this.#container(container)
      this.#overview.containers = this.#overview.containers.filter((other) => other.id !== id)
      this.#change({ type: 'removed', kind: 'container', id })
      return { value: null, trace: this.#trace('container.remove', name, `docker rm ${name}`) }
    },
    create_container: (request) => {
      if (!this.#overview.images.some(({ references }) => references.includes(request.image))) throw { code: 'noSuchImage', message: `image "${request.image}"`, causes: [], hint: 'pull it first', advice: null }
      const value = containers.make(request.name ?? 'brave-moss', request.image, { status: 'created', startedAtMs: null, pid: null, createdAtMs: Date.now(), limits: request.limits, terminal: request.terminal })
      this.#overview.containers = [value, ...this.#overview.containers]
      this.#change({ type: 'container', value })
      return { value, trace: this.#trace('container.create', value.name, `docker create --name ${value.name} ${request.image}`) }
    },
    inspect_container: ({ container }) => containers.detail(this.#container(container)),
    container_size: () => ({ writableBytes: 3_565_158, imageBytes: 201_000_000 }),
    container_processes: () => ({
      processes: [
        { pid: 48_213, insidePid: 1, parentPid: 48_200, uid: 1_000, residentBytes: 98_000_000, cpuUsec: 8_120_000, startedAtMs: 0, tty: '?', command: 'node server.js' },
        { pid: 48_290, insidePid: 17, parentPid: 48_213, uid: 1_000, residentBytes: 41_000_000, cpuUsec: 910_000, startedAtMs: 0, tty: '?', command: 'node worker.js --queue mail' },
      ],
    }),
    container_stats: ({ container, rangeS, points }) => containers.history(this.#container(container), rangeS, points),
    terminal_input: ({ data }) => (this.#echo?.(data), null),
    resize_terminal: () => null,
    close_terminal: () => null,
    dissect_name: ({ text }) => images.dissect(text),
    make_starter_image: () => ({ value: images.summaries()[7] ?? never(), trace: this.#trace('image.make_starter', 'terrarium/starter', '') }),
    networks: () => networks(this.#overview.containers),
    probe_network: ({ port }) => probed(port),
    container_ports: ({ container }) => ports(this.#container(container)),
    inspect_image: ({ image }) => images.detail(this.#overview.images.find(({ id }) => id === image) ?? never()),
    remove_volume: ({ name }) => (this.#change({ type: 'removed', kind: 'volume', id: name }), { value: null, trace: this.#trace('volume.remove', name, `docker volume rm ${name}`) }),
    recent_events: () => this.#overview.containers.slice(0, 5).map(({ id, name, status }, index) => ({ atNs: (Date.now() - index * 60_000) * 1e6, kind: 'container', action: status === 'running' ? 'start' : 'die', id, attributes: { name, ...(status === 'stopped' && { exitCode: '0' }) } })),
    cancel_activity: () => null,
    clear_activities: () => null,
  }

  #echo: ((data: string) => void) | undefined

  #streams: Streamers = {
    watch_changes: (_, send) => {
      this.#watchers.add(send)
      return () => this.#watchers.delete(send)
    },
    watch_stats: ({ containers: wanted }, send) => {
      const alive = this.#overview.containers.filter(({ id, status }) => status === 'running' && (wanted.length === 0 || wanted.includes(id)))
      const tick = (atMs: number): void =>
        send({ rows: alive.map((container) => ({ container: container.id, sample: containers.sample(container, atMs) })), host: { containersCpuPercent: 231.7, containersMemoryBytes: 960_000_000, engineCpuPercent: 0.3, engineMemoryBytes: 24_117_248 } })
      for (let back = 60; back > 0; back--) tick(Date.now() - back * 1_000)
      const timer = setInterval(() => tick(Date.now()), 1_000)
      return () => clearInterval(timer)
    },
    watch_log: (_, send) => {
      const log = this.#log
      const extent = (from: number): void => send({ edition: 1, first: 0, end: log.length, last: log.slice(from), ended: false })
      extent(log.length - 500)
      const timer = setInterval(() => extent(log.push(logLine(log.length, Date.now())) - 1), 700)
      return () => clearInterval(timer)
    },
    open_terminal: (_, send) => {
      const say = (text: string): void => send({ type: 'output', data: btoa(String.fromCharCode(...new TextEncoder().encode(text))) })
      send({ type: 'opened', session: '1', command: ['/bin/sh'] })
      say('/ # \u001b[32mls\u001b[0m --color\r\n\u001b[34mbin\u001b[0m  \u001b[34metc\u001b[0m  \u001b[34mhome\u001b[0m  안녕.txt\r\n/ # ')
      this.#echo = (data) => say(data === '\r' ? '\r\n/ # ' : data)
      return () => undefined
    },
    pull_image: ({ reference }, send, end) => {
      const stopAt = Number(new URLSearchParams(location.search).get('pull') ?? PULL_END_USEC)
      let now = 0
      const timer = setInterval(() => {
        now = Math.min(now + 200_000, stopAt)
        send(pullAt(`docker.io/library/${reference}`, now))
        if (now >= stopAt) clearInterval(timer)
        if (now >= PULL_END_USEC) end({ value: images.summaries()[1] ?? never(), trace: this.#trace('image.pull', reference, `docker pull ${reference}`) })
      }, 60)
      return () => clearInterval(timer)
    },
  }

  async call<K extends CommandName>(name: K, request: Commands[K]['request']): Promise<Commands[K]['reply']> {
    await new Promise((resolve) => setTimeout(resolve, 30))
    const handler = this.#commands[name]
    if (!handler) throw { code: 'unsupported', message: `the demo does not know ${name}`, causes: [], hint: null, advice: null }
    return handler(request)
  }

  stream<K extends StreamName>(name: K, request: Streams[K]['request'], onMessage: Send<K>): Subscription<Streams[K]['reply']> {
    const streamer = this.#streams[name]
    let stop: (() => void) | undefined
    const done = new Promise<Streams[K]['reply']>((resolve) => {
      setTimeout(() => (stop = streamer?.(request, onMessage, resolve)), 20)
    })
    return { done, cancel: () => stop?.() }
  }
}

function never(): never {
  throw { code: 'noSuchImage', message: 'no such image', causes: [], hint: null, advice: null }
}
