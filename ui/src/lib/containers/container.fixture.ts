import type { ContainerSummary } from '$lib/ipc/client'
import { NO_LIMITS } from './limits'

/** A container for tests, with what matters to the test. */
export function container(name: string, more: Partial<ContainerSummary> = {}): ContainerSummary {
  return {
    id: name.padEnd(64, '0'),
    name,
    image: 'alpine:3.20',
    imageId: 'sha256:a',
    command: ['sh'],
    status: 'running',
    createdAtMs: 0,
    startedAtMs: 0,
    exit: null,
    health: null,
    pid: 1,
    ports: [],
    network: { type: 'bridge' },
    address: null,
    networks: [],
    limits: NO_LIMITS,
    labels: {},
    terminal: false,
    autoRemove: false,
    mounts: [],
    ...more,
  }
}
