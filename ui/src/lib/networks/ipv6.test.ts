import { describe, expect, it } from 'vitest'
import { draft6Errors, parseAddress6, parseSubnet6 } from './ipv6'

describe('the IPv6 plan', () => {
  it('reads addresses as the kernel does', () => {
    expect(parseAddress6('::1')).toBe(1n)
    expect(parseAddress6('fd00::')).toBe(0xfd00n << 112n)
    expect(parseAddress6('1:2:3:4:5:6:7:8')).toBe(0x00010002000300040005000600070008n)
    for (const bad of ['', '1', ':1', '1::2::3', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8:9', 'g::', '12345::', '10.0.0.1']) expect(parseAddress6(bad), bad).toBeNull()
  })

  it('reads a subnet without its host bits', () => {
    expect(parseSubnet6('fd00:20::9/64')).toEqual({ base: 0xfd000020n << 96n, bits: 64 })
    for (const bad of ['', 'fd00::', 'fd00::/127', 'fd00::/x', 'fd00::/64/1']) expect(parseSubnet6(bad), bad).toBeNull()
  })

  it('tells what cannot be sent', () => {
    const errors = (more: object): string[] => [...draft6Errors({ subnet: '', gateway: '', range: '', ...more })]
    expect(errors({})).toEqual([])
    expect(errors({ subnet: 'fd00:20::/64', gateway: 'fd00:20::9', range: 'fd00:20::8000/113' })).toEqual([])
    expect(errors({ subnet: 'fd00:20::/64', gateway: 'fd00:21::9' })).toEqual(['gateway'])
    expect(errors({ subnet: 'fd00:20::/64', range: 'fd00:20::/48' })).toEqual(['range'])
    expect(errors({ gateway: 'fd00:20::9', subnet: 'x' })).toEqual(['subnet', 'gateway'])
  })
})
