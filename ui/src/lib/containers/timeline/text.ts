import type { Step } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'
import { toldDetail } from '$lib/system/told'
import { kindOf } from './layout'

export interface StepTexts {
  title: string
  why: string
  /** Absent for a step that is newer than our texts. */
  without?: string
}

/** What a person has to know of a step; the kind's sentence stands in for one that has no text yet. */
export function textOf({ name }: Step): StepTexts {
  const texts: Record<string, StepTexts> = t.steps
  return texts[name] ?? { title: name, why: t.timeline.explained[kindOf(name)] }
}

/** What tells this step from others of its name: the target of a mount, a path, the first arguments. */
export function argument({ name, detail }: Step): string {
  const target = name === 'mount' ? detail.split(' on ').at(-1) : detail
  return inWords((target ?? '').replaceAll(ID, (id) => id.slice(0, SHORT_ID)))
}

const ID = /[0-9a-f]{64}/g
const SHORT_ID = 12

/** `6 nodes` in the language of the window; everything else is the kernel's and stays. */
export const inWords = (detail: string): string =>
  toldDetail(detail).replace(/(\d+) (mounts|layers|values|nodes|masked|read-only|instructions)\b/g, (_, count: string, what: string) => {
    const amounts: Record<string, (count: string) => string> = t.timelineTexts.amounts
    return amounts[what]?.(count) ?? `${count} ${what}`
  })
