import { expect, test } from 'vitest'
import { check, emptyDraft, toRequest, type Draft } from './draft'

const draft = (more: Partial<Draft> = {}): Draft => ({ ...emptyDraft('alpine:3.20'), ...more })
const port = (host: string, container: string) => ({ host, container, protocol: 'tcp' as const })

const wrong: [string, Partial<Draft>, string[]][] = [
  ['no image', { image: ' ' }, ['image']],
  ['a name with a space', { name: 'a b' }, ['name']],
  ['a name of one letter', { name: 'a' }, ['name']],
  ['a port that is no number', { ports: [port('80a', '80')] }, ['ports.0']],
  ['a port that is too high', { ports: [port('', '70000')] }, ['ports.0']],
  ['one host port twice', { ports: [port('80', '80'), port('80', '81')] }, ['ports.0', 'ports.1']],
  ['a target that is not absolute', { mounts: [{ kind: 'volume', source: 'data', target: 'data', readOnly: false }] }, ['mounts.0']],
  ['a host folder that is not absolute', { mounts: [{ kind: 'bind', source: './x', target: '/x', readOnly: false }] }, ['mounts.0']],
  ['too little memory', { memoryMiB: '2' }, ['memoryMiB']],
  ['no CPU at all', { cpus: '0' }, ['cpus']],
  ['half a process', { pids: '1.5' }, ['pids']],
  ['a variable without a name', { env: [{ name: '', value: 'x' }] }, ['env.0']],
]

test.each(wrong)('%s is told at its field', (_, more, fields) => {
  expect(Object.keys(check(draft(more)))).toEqual(fields)
})

test('an empty form with an image is fine', () => {
  expect(check(draft())).toEqual({})
})

test('a free host port is chosen by the engine', () => {
  expect(toRequest(draft({ ports: [port('', '80')] })).ports).toMatchObject([{ hostPort: 0, containerPort: 80 }])
})

test('limits get the units of the engine', () => {
  expect(toRequest(draft({ memoryMiB: '512', cpus: '1.5', pids: '64' })).limits).toMatchObject({
    memoryBytes: 536_870_912,
    nanoCpus: 1_500_000_000,
    pids: 64,
  })
})

test('an empty command is the command of the image', () => {
  expect(toRequest(draft()).command).toBeNull()
  expect(toRequest(draft({ command: "sh -c 'echo hi'" })).command).toEqual(['sh', '-c', 'echo hi'])
})
