import { fitting, shortcutName } from '$lib/actions/action'
import { containerActions } from '$lib/containers/actions'
import { dialogs as containerDialogs } from '$lib/containers/dialogs.svelte'
import { stateWord } from '$lib/containers/state'
import { imageActions } from '$lib/images/actions'
import { archive } from '$lib/images/archive/archive.svelte'
import { importing } from '$lib/images/archive/importing.svelte'
import { imageTitle } from '$lib/images/name'
import { pulls } from '$lib/images/pulls.svelte'
import { imageTrash } from '$lib/images/trash/trash.svelte'
import { t } from '$lib/shared/i18n/index.svelte'
import {
  BuildsIcon,
  CleanIcon,
  ContainersIcon,
  DeleteIcon,
  FolderIcon,
  ImagesIcon,
  KeyboardIcon,
  LanguageIcon,
  NetworksIcon,
  PanelIcon,
  PlusIcon,
  LoadIcon,
  PullIcon,
  RegistryIcon,
  ThemeIcon,
  VolumesIcon,
  type Icon,
} from '$lib/shared/icons'
import { layout } from '$lib/shared/layout.svelte'
import { PAGES } from '$lib/shared/route'
import { router } from '$lib/shared/router.svelte'
import { score } from '$lib/system/match'
import { overview } from '$lib/system/overview.svelte'
import { receipt } from '$lib/system/prune/receipt.svelte'
import { settings } from '$lib/system/settings.svelte'
import { subject } from '$lib/system/subject.svelte'
import { networkDialogs } from '$lib/networks/dialogs.svelte'
import { networks } from '$lib/networks/networks.svelte'
import { volumeDialogs } from '$lib/volumes/dialogs.svelte'
import { open } from './keys'

export interface Entry {
  id: string
  section: string
  label: string
  detail?: string
  icon: Icon
  keys?: string | undefined
  run: () => void
}

/** More results than this are not read; a longer query finds the rest. */
const MAX_RESULTS = 60

function verbs(): Entry[] {
  const current = subject.current
  const container = current?.kind === 'container' ? overview.containers.find(({ id }) => id === current.id) : undefined
  const image = current?.kind === 'image' ? overview.images.find(({ id }) => id === current.id) : undefined
  const section = t.palette.selected
  return [
    ...fitting(containerActions, container ? [container] : []).map((action) => ({
      id: action.id,
      section,
      label: action.label(),
      detail: container?.name ?? '',
      icon: action.icon,
      keys: shortcutName(action),
      run: () => void (container && action.run([container])),
    })),
    ...fitting(imageActions, image ? [image] : []).map((action) => ({
      id: action.id,
      section,
      label: action.label(),
      detail: image ? imageTitle(image) : '',
      icon: action.icon,
      keys: shortcutName(action),
      run: () => void (image && action.run([image])),
    })),
  ]
}

function commands(): Entry[] {
  const section = t.palette.commands
  return [
    { id: 'new-container', section, label: t.containers.new, icon: PlusIcon, run: () => containerDialogs.create() },
    { id: 'pull', section, label: t.images.pull, icon: PullIcon, run: () => pulls.openDialog() },
    { id: 'load', section, label: t.archive.load, icon: LoadIcon, run: () => archive.askWhereFrom() },
    { id: 'import', section, label: t.importing.open, icon: FolderIcon, run: () => importing.ask() },
    { id: 'trash', section, label: t.trash.title, icon: DeleteIcon, run: () => imageTrash.show() },
    { id: 'registries', section, label: t.palette.go(t.registries.title), icon: RegistryIcon, run: () => router.go({ page: 'settings', tab: 'registries' }) },
    { id: 'prune', section, label: t.prune.open, icon: CleanIcon, run: () => receipt.show() },
    { id: 'new-network', section, label: t.networks.new, icon: PlusIcon, run: () => (networkDialogs.creating = true) },
    { id: 'new-volume', section, label: t.volumes.new, icon: PlusIcon, run: () => (volumeDialogs.creating = true) },
    ...PAGES.map((page, index) => ({
      id: `page-${page}`,
      section,
      label: t.palette.go(t.pages[page]),
      icon: page === 'images' ? ImagesIcon : page === 'builds' ? BuildsIcon : page === 'volumes' ? VolumesIcon : page === 'networks' ? NetworksIcon : ContainersIcon,
      keys: String(index + 1),
      run: () => open(page),
    })),
    { id: 'inspector', section, label: t.keys.inspector, icon: PanelIcon, keys: 'Ctrl I', run: () => (layout.inspector = !layout.inspector) },
    { id: 'keys', section, label: t.keys.sheet, icon: KeyboardIcon, keys: '?', run: () => (layout.keys = true) },
    ...(['light', 'dark', 'system'] as const).map((theme) => ({
      id: `theme-${theme}`,
      section,
      label: `${t.settings.theme} · ${t.settings.themes[theme]}`,
      icon: ThemeIcon,
      run: () => void settings.save({ theme }),
    })),
    ...(['ko', 'en'] as const).map((language) => ({
      id: `language-${language}`,
      section,
      label: `${t.settings.language} · ${t.settings.languages[language]}`,
      icon: LanguageIcon,
      run: () => void settings.save({ language }),
    })),
  ]
}

function objects(most = Infinity): Entry[] {
  return [
    ...overview.containers.slice(0, most).map((container) => ({
      id: container.id,
      section: t.pages.containers,
      label: container.name,
      detail: `${stateWord(container)} · ${container.image}`,
      icon: ContainersIcon,
      run: () => router.go({ page: 'containers', id: container.id, tab: 'summary' }),
    })),
    ...overview.images.slice(0, most).map((image) => ({
      id: image.id,
      section: t.pages.images,
      label: imageTitle(image),
      icon: ImagesIcon,
      run: () => router.go({ page: 'images', id: image.id, tab: 'layers' }),
    })),
    ...networks.all.slice(0, most).map((network) => ({
      id: `network-${network.name}`,
      section: t.pages.networks,
      label: network.name,
      icon: NetworksIcon,
      run: () => router.go({ page: 'networks', id: network.name }),
    })),
    ...overview.volumes.slice(0, most).map((volume) => ({
      id: `volume-${volume.name}`,
      section: t.pages.volumes,
      label: volume.name,
      icon: VolumesIcon,
      run: () => router.go({ page: 'volumes', id: volume.name }),
    })),
  ]
}

/** A name that is met beats a detail, such as an image or the object that a verb would act on. */
function relevance({ label, detail }: Entry, query: string): number {
  return Math.max(score(label, query), score(`${label} ${detail ?? ''}`, query) / 2)
}

/** What the palette offers for a query. The section with the best match comes first; without a query, the verbs. */
export function results(query: string): Entry[] {
  if (query.trim() === '') return [...verbs(), ...commands(), ...objects(MAX_RESULTS)].slice(0, MAX_RESULTS)
  return [verbs(), commands(), objects()]
    .map((entries) =>
      entries
        .map((entry) => ({ entry, score: relevance(entry, query) }))
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score),
    )
    .filter((section) => section.length > 0)
    .sort(([a], [b]) => (b?.score ?? 0) - (a?.score ?? 0))
    .flatMap((section) => section.map(({ entry }) => entry))
    .slice(0, MAX_RESULTS)
}
