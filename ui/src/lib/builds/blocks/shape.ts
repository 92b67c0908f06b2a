import type { Block, BlockDraft, BlockSaid } from '$lib/ipc/client'

/** The instructions of the palette, the most used first. */
export const PALETTE = ['FROM', 'RUN', 'COPY', 'WORKDIR', 'ENV', 'CMD', 'EXPOSE', 'USER', 'ARG', 'ENTRYPOINT', 'ADD', 'LABEL', 'VOLUME', 'HEALTHCHECK', 'SHELL', 'STOPSIGNAL', 'ONBUILD'] as const

export type Instruction = (typeof PALETTE)[number] | 'MAINTAINER'

/** The flags that a form offers for an instruction. */
export const FLAGS: Partial<Record<string, readonly string[]>> = {
  FROM: ['platform'],
  RUN: ['mount', 'network'],
  COPY: ['from', 'chown', 'chmod', 'link', 'parents', 'exclude'],
  ADD: ['chown', 'chmod', 'link', 'checksum', 'exclude'],
  HEALTHCHECK: ['interval', 'timeout', 'start-period', 'retries'],
}

/** Flags without a value. */
export const SWITCHES: readonly string[] = ['link', 'parents', 'keep-git-dir']

/** Flags that may be given several times. */
export const REPEATED: readonly string[] = ['mount', 'exclude']

const words = (...all: string[]): BlockSaid => ({ kind: 'words', words: all })
const text = (value: string): BlockSaid => ({ kind: 'text', text: value })
const list = (...all: string[]): BlockSaid => ({ kind: 'list', words: all })

/** What a new block says until somebody says more. It can be built as it stands, where that is possible. */
const FIRST: Record<Instruction, BlockSaid> = {
  FROM: words('alpine:3.20'),
  RUN: text('echo hello'),
  COPY: words('.', '.'),
  ADD: words('archive.tar.gz', '/'),
  WORKDIR: text('/app'),
  ENV: { kind: 'pairs', pairs: [{ name: 'NAME', value: 'value' }] },
  LABEL: { kind: 'pairs', pairs: [{ name: 'org.opencontainers.image.authors', value: '""' }] },
  ARG: words('VERSION=1.0'),
  CMD: list('/bin/sh'),
  ENTRYPOINT: list('/bin/sh'),
  EXPOSE: words('8080'),
  USER: text('nobody'),
  VOLUME: words('/data'),
  HEALTHCHECK: text('CMD wget -qO- http://localhost:8080/ || exit 1'),
  SHELL: list('/bin/sh', '-c'),
  STOPSIGNAL: text('SIGTERM'),
  ONBUILD: text('RUN echo hello'),
  MAINTAINER: text('somebody'),
}

export const draftOf = (keyword: Instruction): BlockDraft => ({ keyword, flags: [], said: FIRST[keyword] })

/** The first word of a block: its keyword, or what stands in its place. */
export const wordOf = ({ line, keyword }: Block): string => keyword ?? line.split(/\s/)[0] ?? ''

/** What a card shows of a block: everything but the keyword. */
export function gist({ line, keyword }: Block): string {
  const rest = line.replace(/^\S+\s*/, '')
  return keyword === 'RUN' ? rest.replace(/\s+/g, ' ') : rest
}
