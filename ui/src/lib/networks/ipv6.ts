/** IPv6 arithmetic for the address plan of a network. */

export interface Subnet6 {
  base: bigint
  bits: number
}

const GROUPS = 8
const group = (text: string): boolean => /^[0-9a-f]{1,4}$/i.test(text)

export function parseAddress6(text: string): bigint | null {
  const [before = '', after, ...rest] = text.trim().split('::')
  const parts = (side: string): string[] => (side === '' ? [] : side.split(':'))
  const [left, right] = [parts(before), parts(after ?? '')]
  const missing = GROUPS - left.length - right.length
  if (rest.length > 0 || ![...left, ...right].every(group) || (after === undefined ? missing !== 0 : missing < 1)) return null
  const all = [...left, ...Array<string>(missing).fill('0'), ...right]
  return all.reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n)
}

/** Reads `fd00:20::/64`; host bits do not count. */
export function parseSubnet6(text: string): Subnet6 | null {
  const [address, prefix, ...rest] = text.trim().split('/')
  const start = parseAddress6(address ?? '')
  if (start === null || rest.length > 0 || !/^\d{1,3}$/.test(prefix ?? '')) return null
  const bits = Number(prefix)
  return bits < 8 || bits > 126 ? null : { base: masked(start, bits), bits }
}

const masked = (address: bigint, bits: number): bigint => (address >> BigInt(128 - bits)) << BigInt(128 - bits)

export const contains = ({ base, bits }: Subnet6, address: bigint): boolean => masked(address, bits) === base

export type Draft6Error = 'subnet' | 'gateway' | 'range'

export interface Draft6 {
  subnet: string
  gateway: string
  range: string
}

/** What of a form cannot be sent. */
export function draft6Errors({ subnet, gateway, range }: Draft6): Set<Draft6Error> {
  const errors = new Set<Draft6Error>()
  const whole = parseSubnet6(subnet)
  const host = parseAddress6(gateway)
  const inner = parseSubnet6(range)
  if (subnet.trim() !== '' && whole === null) errors.add('subnet')
  if (gateway.trim() !== '' && (!whole || host === null || !contains(whole, host))) errors.add('gateway')
  if (range.trim() !== '' && (!whole || !inner || inner.bits < whole.bits || !contains(whole, inner.base))) errors.add('range')
  return errors
}
