import type { LogStream } from '$lib/ipc/client'

/** How logs are shown; kept from one container to the next. */
class LogView {
  follow = $state(true)
  times = $state(true)
  wrap = $state(true)
  stream = $state<LogStream | 'all'>('all')
}

export const logView = new LogView()
