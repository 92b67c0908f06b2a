import type { Step } from '$lib/ipc/client'

export const KINDS = ['records', 'files', 'cgroup', 'namespaces', 'network', 'security', 'program'] as const
export type StepKind = (typeof KINDS)[number]

/** The first pattern that fits decides; the order matters, because a name can speak of two things. */
const PATTERNS: readonly (readonly [StepKind, RegExp])[] = [
  ['records', /image|record|resolve|spec|bundle|^plan$/],
  ['cgroup', /cgroup/],
  ['network', /net|veth|bridge|address|route|port|dns|nft/],
  ['security', /cap|seccomp|credential|priv|label|rlimit|keyring|apparmor|selinux/],
  ['files', /mount|overlay|pivot|root|mask|readonly|layer|snapshot|device|tmpfs|proc|sync|hosts|resolv|umask|console/],
  ['namespaces', /clone|id maps|namespace|unshare|setns|uid|gid|hostname|sysctl|idmap|uts/],
  ['program', /exec|start|wait|hook/],
]

/** The engine and the runtime outside, or the new process on its way to the program. */
const OUTSIDE = /^(plan|cgroup|clone3|id maps|network|prepare|write|volume)/

export const isOutside = (name: string): boolean => OUTSIDE.test(name)

export function kindOf(name: string): StepKind {
  const lower = name.toLowerCase()
  return PATTERNS.find(([, pattern]) => pattern.test(lower))?.[0] ?? 'records'
}

export interface Bar {
  step: Step
  kind: StepKind
  durationUsec: number
  /** Percent of the whole. */
  left: number
  width: number
}

export interface TimelineLayout {
  bars: Bar[]
  totalUsec: number
  ticksUsec: number[]
}

const MAX_TICKS = 8
const NICE = [1, 2, 5]

/** The largest round distance with at most so many ticks. */
export function tickDistance(totalUsec: number): number {
  for (let power = 1; ; power *= 10) {
    const distance = NICE.map((nice) => nice * power).find((nice) => totalUsec / nice <= MAX_TICKS)
    if (distance !== undefined) return distance
  }
}

/** Lays steps on one time axis. Steps keep their times: gaps are waiting, and are seen. */
export function layoutTimeline(steps: readonly Step[]): TimelineLayout {
  const totalUsec = Math.max(1, ...steps.map(({ endUsec }) => endUsec))
  const distance = tickDistance(totalUsec)
  const percent = (usec: number): number => (usec / totalUsec) * 100
  const bars = steps
    .toSorted((a, b) => a.startUsec - b.startUsec || a.endUsec - b.endUsec)
    .map((step) => {
      const durationUsec = step.endUsec - step.startUsec
      return { step, kind: kindOf(step.name), durationUsec, left: percent(step.startUsec), width: percent(durationUsec) }
    })
  return { bars, totalUsec, ticksUsec: Array.from({ length: Math.floor(totalUsec / distance) + 1 }, (_, index) => index * distance) }
}
