import type { NamespaceKind, NamespaceView } from '$lib/ipc/client'

export const NAMESPACE_KINDS: readonly NamespaceKind[] = ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup', 'user', 'time']

export interface Cell {
  kind: NamespaceKind
  inode: number | null
  /** Index of the first column that is in this namespace: its letter and tint. Null where nothing is known. */
  owner: number | null
  column: number
}

/** One row for each kind; equal inodes of a row have the same owner. */
export function matrix(views: readonly NamespaceView[]): Cell[][] {
  return NAMESPACE_KINDS.map((kind) => {
    const inodes = views.map(({ namespaces }) => namespaces.find((fact) => fact.kind === kind)?.inode ?? null)
    return inodes.map((inode, column) => ({ kind, inode, column, owner: inode === null ? null : inodes.indexOf(inode) }))
  })
}

export const letter = (owner: number): string => String.fromCharCode('A'.charCodeAt(0) + owner)

/** The names of the other columns that share this cell. */
export function sharers(row: readonly Cell[], cell: Cell, names: readonly string[]): string[] {
  if (cell.inode === null) return []
  return row.filter((other) => other.column !== cell.column && other.inode === cell.inode).map(({ column }) => names[column] ?? '')
}

/** Commands that show the same without us. */
export function lookAt(kind: NamespaceKind, pid: number): string {
  const inside: Record<NamespaceKind, string> = {
    mnt: `cat /proc/${pid}/mountinfo`,
    pid: `grep NSpid /proc/${pid}/status`,
    net: `nsenter -t ${pid} -n ip addr`,
    ipc: `nsenter -t ${pid} -i ipcs`,
    uts: `nsenter -t ${pid} -u hostname`,
    cgroup: `cat /proc/${pid}/cgroup`,
    user: `cat /proc/${pid}/uid_map`,
    time: `cat /proc/${pid}/timens_offsets`,
  }
  return `readlink /proc/${pid}/ns/${kind}\n${inside[kind]}`
}
