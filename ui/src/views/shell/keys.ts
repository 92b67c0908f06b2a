import type { Binding } from '$lib/actions/keyboard.svelte'
import { t } from '$lib/shared/i18n/index.svelte'
import { layout } from '$lib/shared/layout.svelte'
import { PAGES, type Page } from '$lib/shared/route'
import { router } from '$lib/shared/router.svelte'

export const open = (page: Page): void => router.go({ page })

function focusSearch(): void {
  document.querySelector<HTMLElement>('main [data-search]')?.focus()
}

function stepTab(by: number): void {
  const tabs = [...document.querySelectorAll<HTMLElement>('main [role=tablist] [role=tab]')]
  const at = tabs.findIndex((tab) => tab.getAttribute('aria-selected') === 'true')
  if (at !== -1) tabs[(at + by + tabs.length) % tabs.length]?.click()
}

/** Leaves the open object and returns to its list. */
function back(): void {
  const { route } = router
  if (route.page === 'settings') router.go({ page: route.page, tab: route.tab })
  else if ('id' in route && route.id !== undefined) router.go({ page: route.page })
}

/** The keys that act in every view. */
export function windowBindings(): Binding[] {
  const everywhere = 'everywhere' as const
  return [
    { shortcut: { code: 'KeyK', ctrl: true }, label: t.keys.palette, scope: everywhere, run: () => (layout.palette = true) },
    { shortcut: { code: 'Slash' }, label: t.keys.search, scope: everywhere, run: focusSearch },
    ...PAGES.map((page, index): Binding => ({
      shortcut: { code: `Digit${index + 1}` },
      label: t.pages[page],
      scope: everywhere,
      run: () => open(page),
    })),
    { shortcut: { code: 'BracketLeft' }, label: t.keys.previousTab, scope: everywhere, run: () => stepTab(-1) },
    { shortcut: { code: 'BracketRight' }, label: t.keys.nextTab, scope: everywhere, run: () => stepTab(1) },
    { shortcut: { code: 'KeyB', ctrl: true }, label: t.keys.list, scope: everywhere, run: () => (layout.list = !layout.list) },
    { shortcut: { code: 'KeyI', ctrl: true }, label: t.keys.inspector, scope: everywhere, run: () => (layout.inspector = !layout.inspector) },
    { shortcut: { code: 'Escape' }, label: t.keys.back, scope: everywhere, run: back },
    { shortcut: { code: 'Slash', shift: true }, label: t.keys.sheet, scope: everywhere, run: () => (layout.keys = true) },
  ]
}
