import type { ActionTrace } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'

/** The click in words: which verb, on which object. An action that we have no words for is told by its name. */
export function clickText({ action, subject }: ActionTrace): string {
  const verb = t.actions[action]
  return verb === undefined ? t.inspector.clickedUnknown(action, subject) : t.inspector.clicked(verb, subject)
}
