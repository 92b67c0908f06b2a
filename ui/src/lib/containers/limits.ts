import type { Limits } from '$lib/ipc/client'

/** No limit at all; every field that is absent is unlimited. */
export const NO_LIMITS: Limits = {
  memoryBytes: null,
  memorySwapBytes: null,
  memoryReservationBytes: null,
  nanoCpus: null,
  cpuShares: null,
  cpuQuotaUsec: null,
  cpuPeriodUsec: null,
  cpusetCpus: null,
  cpusetMems: null,
  pids: null,
  blkioWeight: null,
}

const DEFAULT_PERIOD_USEC = 100_000

/** The CPU limit as percent of one core, however it was set. */
export function cpuLimitPercent({ nanoCpus, cpuQuotaUsec, cpuPeriodUsec }: Limits): number | null {
  if (nanoCpus !== null && nanoCpus > 0) return nanoCpus / 1e7
  if (cpuQuotaUsec === null || cpuQuotaUsec <= 0) return null
  return (cpuQuotaUsec / (cpuPeriodUsec ?? DEFAULT_PERIOD_USEC)) * 100
}
