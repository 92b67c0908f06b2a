/** IPv4 arithmetic for the address plan of a network. */

export interface Subnet {
  base: number
  size: number
  bits: number
}

export function parseAddress(text: string): number | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return null
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0)
}

export const formatAddress = (address: number): string => [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')

/** Reads `10.90.0.0/24`; host bits do not count. */
export function parseSubnet(text: string): Subnet | null {
  const [address, prefix, ...rest] = text.trim().split('/')
  const start = parseAddress(address ?? '')
  if (start === null || rest.length > 0 || !/^\d{1,2}$/.test(prefix ?? '')) return null
  const bits = Number(prefix)
  if (bits < 8 || bits > 30) return null
  const size = 2 ** (32 - bits)
  return { base: Math.floor(start / size) * size, size, bits }
}

/** Where an address lies in a subnet, from 0 to 1; null outside of it. */
export function position({ base, size }: Subnet, address: string): number | null {
  const at = parseAddress(address)
  return at === null || at < base || at >= base + size ? null : (at - base) / size
}

/** The part of a subnet that a range takes, as start and width from 0 to 1. */
export function part({ base, size }: Subnet, range: string): { start: number; width: number } | null {
  const inner = parseSubnet(range)
  if (inner === null || inner.base < base || inner.base + inner.size > base + size) return null
  return { start: (inner.base - base) / size, width: inner.size / size }
}

/** How many containers have room in a subnet, or in a range of it: its ends and the gateway are not for them. */
export function room(whole: Subnet, gateway: string, range = ''): number {
  const given = parseSubnet(range)
  const inner = given !== null && part(whole, range) !== null ? given : whole
  const taken = new Set([whole.base, whole.base + whole.size - 1, parseAddress(gateway) ?? whole.base + 1])
  return inner.size - [...taken].filter((address) => address >= inner.base && address < inner.base + inner.size).length
}

export type DraftError = 'name' | 'subnet' | 'gateway' | 'range'

export interface Draft {
  name: string
  subnet: string
  gateway: string
  range: string
}

/** What of a form cannot be sent. */
export function draftErrors({ name, subnet, gateway, range }: Draft): Set<DraftError> {
  const errors = new Set<DraftError>()
  if (name !== '' && !/^[a-zA-Z0-9][\w.-]{0,127}$/.test(name)) errors.add('name')
  const whole = parseSubnet(subnet)
  if (subnet.trim() !== '' && whole === null) errors.add('subnet')
  if (gateway.trim() !== '' && (whole === null || position(whole, gateway.trim()) === null)) errors.add('gateway')
  if (range.trim() !== '' && (whole === null || part(whole, range) === null)) errors.add('range')
  return errors
}
