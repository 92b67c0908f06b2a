import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'svelte/compiler'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname)
/** Names that are the same in every language: our own, kernel files, Dockerfile words, units. */
const SAME_EVERYWHERE = /^(Terrarium|CPU|diff ID|chain ID)$/
const SPOKEN = ['title', 'placeholder', 'aria-label', 'label', 'text', 'note', 'help']
const EXAMPLES = /^[a-z0-9 .:/_-]+$/

type Node = { type?: string; name?: string; data?: string; value?: unknown; [key: string]: unknown }

function walk(node: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(node)) node.forEach((child) => walk(child, visit))
  else if (node !== null && typeof node === 'object') {
    visit(node as Node)
    for (const [key, child] of Object.entries(node)) if (!['css', 'instance', 'module', 'metadata'].includes(key)) walk(child, visit)
  }
}

const isWords = (text: string): boolean => /\p{L}{2,}/u.test(text) && !SAME_EVERYWHERE.test(text.replace(/[\s·/]+/g, ' ').trim())

function wordsIn(path: string): string[] {
  const found: string[] = []
  walk(parse(readFileSync(path, 'utf8'), { modern: true }).fragment, (node) => {
    if (node.type === 'Attribute') {
      const [value] = Array.isArray(node.value) ? (node.value as Node[]) : []
      const text = value?.type === 'Text' ? String(value.data) : ''
      // Examples of what to type are commands, which have no language.
      if (SPOKEN.includes(node.name ?? '') && isWords(text) && !EXAMPLES.test(text) && text !== 'config.json') found.push(text)
    }
    if (node.type === 'RegularElement' || node.type === 'Component' || node.type === 'IfBlock' || node.type === 'EachBlock') {
      const fragments = [node.fragment, node.consequent, node.body].filter(Boolean) as { nodes?: Node[] }[]
      for (const { nodes } of fragments)
        for (const child of nodes ?? []) if (child.type === 'Text' && isWords(String(child.data))) found.push(String(child.data).trim())
    }
  })
  return found
}

const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.svelte'))

test.each(files)('%s has no text of its own', (file) => {
  expect(wordsIn(join(ROOT, file))).toEqual([])
})
