import { describe, expect, it } from 'vitest'
import { Typing } from './typing'

describe('typing', () => {
  it('keeps what is typed before there is a session', async () => {
    const typing = new Typing()
    const sent: string[] = []
    await typing.add('e')
    await typing.add('cho')
    await typing.open(async (data) => sent.push(data))
    expect(sent).toEqual(['echo'])
  })

  it('sends one call at a time, in the order of the keys', async () => {
    const typing = new Typing()
    const sent: string[] = []
    const answers: (() => void)[] = []
    void typing.open((data) => {
      sent.push(data)
      return new Promise<void>((resolve) => answers.push(resolve))
    })
    void typing.add('a')
    void typing.add('b')
    void typing.add('c')
    expect(sent).toEqual(['a'])
    answers[0]?.()
    await Promise.resolve()
    expect(sent).toEqual(['a', 'bc'])
  })

  it('goes on after a call that failed', async () => {
    const typing = new Typing()
    const sent: string[] = []
    await typing.open(async (data) => {
      sent.push(data)
      if (data === 'lost') throw new Error('gone')
    })
    await expect(typing.add('lost')).rejects.toThrow('gone')
    await typing.add('next')
    expect(sent).toEqual(['lost', 'next'])
  })
})
