import { Channel, invoke } from '@tauri-apps/api/core'
import type { Commands, Streams } from './generated/api'
import type { CommandName, StreamName, Subscription, Transport } from './transport'

/** Calls that go to the engine in the process that owns this window. */
export class TauriTransport implements Transport {
  #lastStream = 0

  call<K extends CommandName>(name: K, request: Commands[K]['request']): Promise<Commands[K]['reply']> {
    return invoke(name, { request })
  }

  stream<K extends StreamName>(
    name: K,
    request: Streams[K]['request'],
    onMessage: (message: Streams[K]['message']) => void,
  ): Subscription<Streams[K]['reply']> {
    // A channel only flows this way, so the engine knows a stream by this number when it is to end.
    const stream = ++this.#lastStream
    const channel = new Channel<Streams[K]['message']>(onMessage)
    return {
      done: invoke(name, { request, stream, channel }),
      cancel: () => {
        channel.onmessage = () => undefined
        void invoke('cancel_stream', { stream })
      },
    }
  }
}
