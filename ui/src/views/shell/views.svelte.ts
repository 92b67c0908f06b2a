import type { Component } from 'svelte'
import type { Page } from '$lib/shared/route'
import HomeView from '../home/HomeView.svelte'

type Load = () => Promise<{ default: Component }>

const LOADERS: Record<Exclude<Page, 'home'>, Load> = {
  containers: () => import('../containers/ContainersView.svelte'),
  images: () => import('../images/ImagesView.svelte'),
  builds: () => import('../builds/BuildsView.svelte'),
  volumes: () => import('../volumes/VolumesView.svelte'),
  networks: () => import('../networks/NetworksView.svelte'),
  activity: () => import('../activity/ActivityView.svelte'),
  settings: () => import('../settings/SettingsView.svelte'),
}

/** The pages. The window is painted with the first one alone; the others come while a person looks at it. */
class Views {
  #there = $state.raw<Partial<Record<Page, Component>>>({ home: HomeView })
  dialogs = $state.raw<Component | null>(null)

  of(page: Page): Component | undefined {
    return this.#there[page]
  }

  async load(page: Page): Promise<void> {
    if (page === 'home' || this.#there[page] !== undefined) return
    const { default: view } = await LOADERS[page]()
    this.#there = { ...this.#there, [page]: view }
  }

  /** Loads what is not there yet, so that going anywhere waits for nothing. */
  async loadAll(): Promise<void> {
    this.dialogs ??= (await import('./Dialogs.svelte')).default
    for (const page of Object.keys(LOADERS) as Page[]) await this.load(page)
  }
}

export const views = new Views()
