import type { Commands, Streams } from './generated/api'

export type CommandName = keyof Commands
export type StreamName = keyof Streams

/** A stream under way. */
export interface Subscription<Reply> {
  /** Settles when the stream ends; rejects with an {@link Error} of the contract. */
  done: Promise<Reply>
  /** Tells the engine to stop, and drops what still arrives. */
  cancel: () => void
}

/** How calls reach the engine. The product has one way; design review and tests bring another. */
export interface Transport {
  call<K extends CommandName>(name: K, request: Commands[K]['request']): Promise<Commands[K]['reply']>
  stream<K extends StreamName>(
    name: K,
    request: Streams[K]['request'],
    onMessage: (message: Streams[K]['message']) => void,
  ): Subscription<Streams[K]['reply']>
}
