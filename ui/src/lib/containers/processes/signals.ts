import type { IsolatedProcess } from '$lib/ipc/client'

/** Numbers of signal(7) on Linux, x86 and Arm. */
export const SIGNALS: readonly (readonly [number, string])[] = [
  [1, 'HUP'], [2, 'INT'], [3, 'QUIT'], [4, 'ILL'], [5, 'TRAP'], [6, 'ABRT'], [7, 'BUS'], [8, 'FPE'], [9, 'KILL'], [10, 'USR1'],
  [11, 'SEGV'], [12, 'USR2'], [13, 'PIPE'], [14, 'ALRM'], [15, 'TERM'], [16, 'STKFLT'], [17, 'CHLD'], [18, 'CONT'], [19, 'STOP'],
  [20, 'TSTP'], [21, 'TTIN'], [22, 'TTOU'], [23, 'URG'], [24, 'XCPU'], [25, 'XFSZ'], [26, 'VTALRM'], [27, 'PROF'], [28, 'WINCH'],
  [29, 'IO'], [30, 'PWR'], [31, 'SYS'],
]

/** The ones that people send. */
export const USUAL: readonly number[] = [1, 2, 3, 9, 10, 12, 15, 18, 19, 28]

const ALWAYS: readonly number[] = [9, 19]

export type Reaction = 'caught' | 'ignored' | 'blocked' | 'defaultPid1' | 'defaultOther' | 'always'

/** The number of a name such as `SIGTERM`, `term` or `15`. */
export function numberOf(name: string): number | null {
  const short = name.trim().toUpperCase().replace(/^SIG/, '')
  return SIGNALS.find(([number, known]) => known === short || String(number) === short)?.[0] ?? null
}

export const nameOf = (number: number): string => {
  const known = SIGNALS.find(([one]) => one === number)?.[1]
  // Numbers 32 and 33 belong to the threads library, so the first one for programs is 34.
  return known ? `SIG${known}` : number >= 34 ? (number === 34 ? 'SIGRTMIN' : `SIGRTMIN+${number - 34}`) : String(number)
}

/**
 * What a process will do with a signal of the host, by the rules of the kernel (pid_namespaces(7)): the first process of
 * a pid namespace gets only signals that it handles, apart from KILL and STOP of an outer namespace.
 */
export function reaction({ insidePid, signals }: Pick<IsolatedProcess, 'insidePid' | 'signals'>, number: number): Reaction {
  if (ALWAYS.includes(number)) return 'always'
  if (signals.blocked.includes(number)) return 'blocked'
  if (signals.caught.includes(number)) return 'caught'
  if (signals.ignored.includes(number)) return 'ignored'
  return insidePid === 1 ? 'defaultPid1' : 'defaultOther'
}
