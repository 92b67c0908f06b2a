import type { FileRow, Folder } from '$lib/ipc/client'

/** A line of the file tree: a file, or the place where the rest of a large folder can be asked for. */
export type TreeLine =
  | { kind: 'file'; path: string; depth: number; file: FileRow; open: boolean }
  | { kind: 'more'; path: string; depth: number; folder: string; left: number }

/** More lines than this are not opened by themselves. */
const OPEN_AT_MOST = 120
/** A folder with more changes than this says more closed. */
const CHANGES_TO_OPEN = 60

export const join = (folder: string, name: string): string => (folder === '/' ? `/${name}` : `${folder}/${name}`)

export const parent = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')))

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** The folders on the way to a path, the root first. */
export function ancestors(path: string): string[] {
  const names = path.split('/').filter(Boolean).slice(0, -1)
  return ['/', ...names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`)]
}

/** The lines of a tree whose folders are known as far as they were opened. */
export function lines(folders: ReadonlyMap<string, Folder>, open: ReadonlySet<string>): TreeLine[] {
  const all: TreeLine[] = []
  const add = (folder: string, depth: number): void => {
    const known = folders.get(folder)
    for (const file of known?.files ?? []) {
      const path = join(folder, file.name)
      const isOpen = file.kind === 'directory' && open.has(path)
      all.push({ kind: 'file', path, depth, file, open: isOpen })
      if (isOpen) add(path, depth + 1)
    }
    const left = known === undefined ? 0 : known.total - known.files.length
    if (left > 0) all.push({ kind: 'more', path: join(folder, '\u0000more'), depth, folder, left })
  }
  add('/', 0)
  return all
}

/** Which folders to open by themselves, so that the changes of a layer are seen without a click. */
export function worthOpening(folder: string, { files }: Folder, shown: number): string[] {
  let room = OPEN_AT_MOST - shown
  return files.flatMap((file) => {
    if (file.kind !== 'directory' || file.change === 'deleted' || file.changes > CHANGES_TO_OPEN || file.changes > room) return []
    room -= file.changes
    return [join(folder, file.name)]
  })
}

const TYPE_LETTERS = { file: '-', directory: 'd', symlink: 'l', device: 'c', fifo: 'p', socket: 's' } as const

/** `-rwxr-xr-x`, as `ls -l` writes it. */
export function permissions({ kind, mode }: Pick<FileRow, 'kind' | 'mode'>): string {
  const letter = (bit: number, special: number, on: string): string => {
    const runs = (mode & bit) !== 0
    if ((mode & special) === 0) return runs ? 'x' : '-'
    return runs ? on : on.toUpperCase()
  }
  const triple = (shift: number, special: number, on: string): string =>
    (mode & (4 << shift) ? 'r' : '-') + (mode & (2 << shift) ? 'w' : '-') + letter(1 << shift, special, on)
  return TYPE_LETTERS[kind] + triple(6, 0o4000, 's') + triple(3, 0o2000, 's') + triple(0, 0o1000, 't')
}

export const octal = (mode: number): string => mode.toString(8).padStart(4, '0')

/** Whether a modified file has the same content as far as one can tell: then only its attributes were changed. */
export function onlyAttributes({ kind, before, sizeBytes, modifiedSec }: FileRow): boolean {
  return kind === 'file' && before !== null && before.sizeBytes === sizeBytes && before.modifiedSec === modifiedSec
}
