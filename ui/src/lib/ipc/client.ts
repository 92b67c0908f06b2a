import type { Commands, Error as EngineError, Streams } from './generated/api'
import type { CommandName, StreamName, Subscription, Transport } from './transport'

export type * from './generated/api'
export { CAUSES, CGROUP_FILES, DETAILS, DOCKERFILE_PROBLEMS, FINDINGS, HINTS, STEPS } from './generated/api'
export type { Subscription, Transport } from './transport'

let transport: Transport | undefined

/** Chooses the way to the engine; once, before anything is mounted. */
export function connect(way: Transport): void {
  transport = way
}

function connected(): Transport {
  if (transport === undefined) throw new Error('connect() comes before the first call')
  return transport
}

type Request<T> = T extends null ? [] : [request: T]

/** Asks the engine for one thing. Rejects with an error of the contract. */
export async function call<K extends CommandName>(
  name: K,
  ...request: Request<Commands[K]['request']>
): Promise<Commands[K]['reply']> {
  return connected().call(name, request[0] ?? null)
}

/** Asks the engine for messages until it ends or is canceled. */
export function stream<K extends StreamName>(
  name: K,
  request: Streams[K]['request'],
  onMessage: (message: Streams[K]['message']) => void,
): Subscription<Streams[K]['reply']> {
  return connected().stream(name, request, onMessage)
}

/** Gives any thrown thing the shape of an engine error, so that a view has one kind to show. */
export function asEngineError(thrown: unknown): EngineError {
  if (thrown !== null && typeof thrown === 'object' && 'code' in thrown && 'message' in thrown) {
    return thrown as EngineError
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return { code: 'internal', message, causes: [], hint: null, advice: null }
}
