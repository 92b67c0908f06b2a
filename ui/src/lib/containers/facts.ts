import type { ContainerDetail, ContainerSize, ContainerSummary, NetworkMode, Note } from '$lib/ipc/client'
import type { Fact } from '$lib/shared/components/Facts.svelte'
import { bytes, moment, shortDigest } from '$lib/shared/format'
import { t } from '$lib/shared/i18n/index.svelte'
import { cpuLimitPercent } from './limits'
import { portTexts, shortId } from './state'

const list = (values: readonly string[]): string => (values.length === 0 ? '–' : values.join(', '))

export function networkText(network: NetworkMode): string {
  if (network.type === 'named') return network.name
  return network.type === 'container' ? t.create.networks.container(shortId(network.id)) : t.create.networks[network.type]
}

/** What the container is, in the words of the person who made it. */
export function summaryFacts(container: ContainerSummary, detail: ContainerDetail | undefined): Fact[] {
  const f = t.containers.facts
  return [
    { label: f.image, value: container.image, mono: true },
    { label: f.command, value: (detail ? [detail.path, ...detail.args] : container.command).join(' ') || '–', mono: true },
    { label: f.workingDir, value: detail?.workingDir || '–', mono: true },
    { label: f.user, value: detail?.user || f.root, mono: true },
    { label: f.id, value: shortId(container.id), mono: true, full: container.id },
    { label: f.created, value: moment(container.createdAtMs) },
    { label: f.started, value: container.startedAtMs === null ? f.never : moment(container.startedAtMs) },
    { label: f.restarts, value: detail ? `${t.create.restarts[detail.request.restart.type]} · ${f.restartCount(detail.restartCount)}` : '–' },
  ]
}

/** Where it can be reached. */
export function networkFacts(container: ContainerSummary, detail: ContainerDetail | undefined): Fact[] {
  const f = t.containers.facts
  const places = container.networks.filter((place) => place.address !== '')
  const gateways = places.filter((place) => place.gateway !== '')
  return [
    { label: f.network, value: container.networks.length > 1 ? list(container.networks.map((place) => place.network)) : networkText(container.network) },
    { label: f.address, value: list(places.map((place) => `${place.address}/${place.prefixLength}`)), mono: true },
    { label: f.gateway, value: list(gateways.map((place) => `${place.gateway} (${place.bridge})`)), mono: true },
    { label: f.ports, value: list(portTexts(container.ports)), mono: true },
    { label: f.hostname, value: detail?.hostname ?? '–', mono: true },
  ]
}

/** What it may use. */
export function limitFacts({ limits }: ContainerSummary): Fact[] {
  const f = t.containers.facts
  const cpu = cpuLimitPercent(limits)
  return [
    { label: f.cpu, value: cpu === null ? t.containers.noLimit : t.units.cores(cpu / 100) },
    { label: f.memory, value: limits.memoryBytes === null ? t.containers.noLimit : bytes(limits.memoryBytes) },
    { label: f.pids, value: limits.pids === null ? t.containers.noLimit : String(limits.pids) },
  ]
}

/** What the kernel knows about it. */
export function kernelFacts(container: ContainerSummary, detail: ContainerDetail | undefined, size: ContainerSize | undefined): Fact[] {
  const f = t.containers.facts
  return [
    { label: f.process, value: container.pid === null ? f.noProcess : f.hostPid(container.pid) },
    { label: f.cgroup, value: detail?.cgroup ?? '–', mono: true },
    { label: f.writable, value: size ? bytes(size.writableBytes) : '–' },
    { label: f.imageBelow, value: size ? bytes(size.imageBytes) : '–' },
    { label: f.upperDir, value: detail?.upperDir ?? '–', mono: true },
    { label: f.chainId, value: detail ? shortDigest(detail.chainId) : '–', mono: true, ...(detail && { full: detail.chainId }) },
    { label: f.log, value: detail?.logPath ?? '–', mono: true },
  ]
}

/** What a note means to a person; its own words tell the file and the reason. */
export const noteText = ({ name }: Note): string | undefined => (t.notes as Record<string, string>)[name.split(' ')[0] ?? '']

/** Commands that show the same facts without us. */
export function lookCommands(pid: number): string {
  return [`readlink /proc/${pid}/ns/*`, `cat /proc/${pid}/cgroup`, `head -1 /proc/${pid}/mountinfo`, `grep -E 'Cap|Seccomp' /proc/${pid}/status`].join('\n')
}
