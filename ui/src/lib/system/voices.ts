import type { ActionTrace, Step } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'

/** The click in words: which verb, on which object. An action that we have no words for is told by its name. */
export function clickText({ action, subject }: ActionTrace): string {
  const verb = t.actions[action]
  return verb === undefined ? t.inspector.clickedUnknown(action, subject) : t.inspector.clicked(verb, subject)
}

/** What a step is called: by the kernel's word where it has one, else in the language of the window. */
export function stepText({ name }: Step): string {
  const texts: Readonly<Record<string, { title: string }>> = t.steps
  return name.includes(' ') ? (texts[name]?.title ?? name) : name
}
