import { describe, expect, it } from 'vitest'
import { draftErrors, formatAddress, parseSubnet, part, position, room } from './plan'

describe('the address plan', () => {
  const subnet = parseSubnet('10.90.1.7/24')

  it('reads a subnet without its host bits', () => {
    expect(subnet).toEqual({ base: 0x0a5a0100, size: 256, bits: 24 })
    expect(formatAddress(subnet?.base ?? 0)).toBe('10.90.1.0')
    expect(subnet && room(subnet, '10.90.1.1')).toBe(253)
    expect(subnet && room(subnet, '10.90.1.1', '10.90.1.128/25')).toBe(127)
    expect(subnet && room(subnet, '10.90.1.130', '10.90.1.128/26')).toBe(63)
    for (const bad of ['', '10.0.0.0', '10.0.0/8', '10.0.0.0/33', '10.0.0.256/24', 'a/24', '10.0.0.0/24/1']) expect(parseSubnet(bad), bad).toBeNull()
  })

  it('places addresses and ranges', () => {
    if (!subnet) throw new Error('it was read above')
    expect(position(subnet, '10.90.1.128')).toBe(0.5)
    expect(position(subnet, '10.90.2.1')).toBeNull()
    expect(part(subnet, '10.90.1.128/25')).toEqual({ start: 0.5, width: 0.5 })
    expect(part(subnet, '10.90.0.0/16')).toBeNull()
  })

  it('tells what cannot be sent', () => {
    const errors = (more: object): string[] => [...draftErrors({ name: 'front', subnet: '', gateway: '', range: '', ...more })]
    expect(errors({})).toEqual([])
    expect(errors({ subnet: '10.1.0.0/24', gateway: '10.1.0.9', range: '10.1.0.128/25' })).toEqual([])
    expect(errors({ name: '-x' })).toEqual(['name'])
    expect(errors({ gateway: '10.1.0.9' })).toEqual(['gateway'])
    expect(errors({ subnet: '10.1.0.0/24', range: '10.2.0.0/25' })).toEqual(['range'])
  })
})
