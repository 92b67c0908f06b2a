import type { ContainerSummary, NetworkMember } from '$lib/ipc/client'

type Running = Pick<ContainerSummary, 'id'>

/** Who calls whom: what was picked while it runs, else the first two of the network. */
export function ends(members: readonly Pick<NetworkMember, 'container'>[], running: readonly Running[], from: string | null, to: string | null): { from: string; to: string } {
  const runs = (id: string | null): id is string => running.some((container) => container.id === id)
  const here = members.map(({ container }) => container).filter((id) => runs(id))
  const offered = [...here, ...running.map(({ id }) => id).filter((id) => !here.includes(id))]
  const first = runs(from) ? from : (offered.find((id) => id !== to) ?? '')
  const second = runs(to) ? to : (offered.find((id) => id !== first) ?? '')
  return { from: first, to: second }
}

/** The port that somebody would call first. */
export const portOf = (container: Pick<ContainerSummary, 'ports'> | undefined): number =>
  container?.ports.find(({ protocol }) => protocol === 'tcp')?.containerPort ?? 80
