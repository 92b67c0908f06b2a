import type { ContainerSummary, Network, PortTruth, ProbeStep } from '../src/lib/ipc/client'
import { digest } from './images'

const HOUR_MS = 3_600_000

function network(name: string, driver: string, more: Partial<Network> = {}): Network {
  return {
    id: digest(name).slice(7),
    name,
    driver,
    builtin: false,
    internal: false,
    subnet: null,
    gateway: null,
    range: null,
    ipv6: null,
    interface: null,
    labels: {},
    options: {},
    createdAtMs: 0,
    members: [],
    ...more,
  }
}

const member = ({ id, name }: ContainerSummary, address: string, aliases: string[] = []) => ({
  container: id,
  name,
  place: { network: 'shop', interface: 'eth1', address, prefixLength: 24, gateway: '10.20.0.1', ipv6Address: address && `fd4c:91d2:7ab0::${address.slice(8)}`, ipv6PrefixLength: 64, ipv6Gateway: 'fd4c:91d2:7ab0::1', mac: '02:74:0a:14:00:02', bridge: 'tb3fd09b11c2e4', aliases },
})

/** The builtin networks, one with members, and one that leads nowhere. */
export function networks(containers: readonly ContainerSummary[]): Network[] {
  const [first, second, third] = containers
  const shop = [first && member(first, '10.20.0.2', ['web']), second && member(second, '10.20.0.3', ['db', 'store']), third && member(third, '')]
  const plain = containers.flatMap((container) => container.networks.map((place) => ({ container: container.id, name: container.name, place })))
  return [
    network('bridge', 'bridge', { builtin: true, subnet: '172.20.0.0/16', gateway: '172.20.0.1', interface: 'terrarium0', members: plain }),
    network('host', 'host', { builtin: true }),
    network('none', 'null', { builtin: true }),
    network('shop', 'bridge', { subnet: '10.20.0.0/24', gateway: '10.20.0.1', range: '10.20.0.0/25', ipv6: { subnet: 'fd4c:91d2:7ab0::/64', gateway: 'fd4c:91d2:7ab0::1', range: null }, interface: 'tb3fd09b11c2e4', createdAtMs: Date.now() - 4 * HOUR_MS, members: shop.filter((one) => one !== undefined) }),
    network('vault', 'bridge', { internal: true, subnet: '10.90.16.0/20', gateway: '10.90.16.1', createdAtMs: Date.now() - 2 * HOUR_MS }),
  ]
}

/** One chain that holds, and one of each that breaks. */
export function ports(container: ContainerSummary): PortTruth[] {
  const truth = (containerPort: number, more: Partial<PortTruth>): PortTruth => ({ containerPort, protocol: 'tcp', exposed: true, published: [], listening: [], verdict: 'reachable', ...more })
  const at = (hostPort: number, containerPort: number) => [{ hostAddress: '0.0.0.0', hostPort, containerPort, protocol: 'tcp' as const }]
  if (container.status !== 'running') return []
  return [
    truth(3000, { published: at(3000, 3000), listening: ['0.0.0.0'] }),
    truth(8080, { exposed: false, published: at(8080, 8080), listening: ['127.0.0.1'], verdict: 'loopbackOnly' }),
    truth(9090, { published: at(9090, 9090), verdict: 'nobodyListens' }),
    truth(9191, { published: [...at(9191, 9191), ...at(9191, 9191).map((port) => ({ ...port, hostAddress: '::' }))], listening: ['0.0.0.0'], verdict: 'ipv4Only' }),
    truth(9229, { exposed: false, listening: ['0.0.0.0'], verdict: 'notPublished' }),
  ]
}

/** A way that breaks at its end. */
export const probed = (port: number): ProbeStep[] => [
  { stage: 'resolve', outcome: 'passed', found: '172.20.0.3', tookUsec: 412, reason: null },
  { stage: 'route', outcome: 'passed', found: 'eth0 172.20.0.2 → 172.20.0.3', tookUsec: 38, reason: null },
  { stage: 'connect', outcome: 'failed', found: `172.20.0.3:${port}`, tookUsec: 95, reason: 'loopbackOnly' },
]
