import { describe, expect, it } from 'vitest'
import { ends, portOf } from './probe'

const running = [{ id: 'a' }, { id: 'b' }, { id: 'c' }]

describe('a connection that is to be tried', () => {
  it('goes between the first two of the network', () => {
    expect(ends([{ container: 'b' }, { container: 'c' }], running, null, null)).toEqual({ from: 'b', to: 'c' })
  })

  it('goes on with anybody where the network has one alone', () => {
    expect(ends([{ container: 'c' }], running, null, null)).toEqual({ from: 'c', to: 'a' })
  })

  it('keeps what was picked, unless it has ended', () => {
    expect(ends([], running, 'c', 'b')).toEqual({ from: 'c', to: 'b' })
    expect(ends([], running, 'gone', 'a')).toEqual({ from: 'b', to: 'a' })
  })

  it('calls the published port first, and that of the web where there is none', () => {
    const udp = { protocol: 'udp', containerPort: 53, hostPort: 53, hostAddress: '' } as const
    expect(portOf({ ports: [udp, { ...udp, protocol: 'tcp', containerPort: 5432 }] })).toBe(5432)
    expect(portOf(undefined)).toBe(80)
  })
})
