import type { FitAddon } from '@xterm/addon-fit'
import type { Terminal } from '@xterm/xterm'
import { call, stream, type Subscription, type TerminalEvent } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { problemOf } from '$lib/system/problem'
import { terminalTheme } from './theme'
import { Typing } from './typing'

export interface TerminalChoice {
  /** Empty for the best shell of the image. */
  command: readonly string[]
  /** Joins the main process instead of a new one. */
  attach: boolean
}

const SCROLLBACK = 10_000

function decode(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
}

/** One terminal in a container. It goes on while another tab or page is shown. */
export class TerminalSession {
  state = $state<'opening' | 'open' | 'ended'>('opening')
  exitCode = $state<number | null>(null)
  command = $state.raw<readonly string[]>([])
  problem = $state.raw<Problem | null>(null)
  /** Holds the drawn terminal, and moves with it from mount to mount. */
  readonly element = document.createElement('div')

  #terminal: Terminal | undefined
  #fit: FitAddon | undefined
  #session: string | undefined
  #subscription: Subscription<null> | undefined
  readonly #typing = new Typing()

  open(container: string, choice: TerminalChoice): Promise<void> {
    return this.#begin((size) => stream('open_terminal', { container, command: [...choice.command], attach: choice.attach, ...size }, (event) => this.#take(event)))
  }

  /** A shell where a build failed. */
  openStep(build: string): Promise<void> {
    return this.#begin((size) => stream('open_step_shell', { build, ...size }, (event) => this.#take(event)))
  }

  /** Types for the user. */
  say(text: string): void {
    this.#type(text)
    this.focus()
  }

  async #begin(connect: (size: { rows: number; cols: number }) => Subscription<null>): Promise<void> {
    const [xterm, { FitAddon }] = await Promise.all([import('@xterm/xterm'), import('@xterm/addon-fit'), import('@xterm/xterm/css/xterm.css')])
    const terminal = new xterm.Terminal({
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--font-mono'),
      fontSize: 13,
      lineHeight: 1.2,
      scrollback: SCROLLBACK,
      cursorBlink: false,
      screenReaderMode: true,
      theme: terminalTheme(),
    })
    this.#terminal = terminal
    this.#fit = new FitAddon()
    terminal.loadAddon(this.#fit)
    this.element.className = 'terminal-element'
    terminal.open(this.element)
    this.fit()
    terminal.onData((data) => this.#type(data))
    terminal.onResize(({ rows, cols }) => this.#resize(rows, cols))
    const { rows, cols } = terminal
    this.#subscription = connect({ rows, cols })
    this.#subscription.done.then(
      () => (this.state = 'ended'),
      (thrown: unknown) => {
        this.state = 'ended'
        this.problem = problemOf(thrown)
      },
    )
  }

  /** Takes the size of the place it is shown in. */
  fit(): void {
    if (this.element.isConnected) this.#fit?.fit()
  }

  focus(): void {
    this.#terminal?.focus()
  }

  /** Canvases do not follow tokens by themselves. */
  recolor(): void {
    if (this.#terminal) this.#terminal.options.theme = terminalTheme()
  }

  close(): void {
    if (this.#session !== undefined && this.state === 'open') void call('close_terminal', { session: this.#session }).catch(() => undefined)
    this.#subscription?.cancel()
    this.#terminal?.dispose()
    this.element.remove()
  }

  #type(data: string): void {
    if (this.state === 'ended') return
    this.#typing.add(data).catch((thrown: unknown) => this.#failed(thrown))
  }

  #failed(thrown: unknown): void {
    // Keys that were on their way when the process ended are nobody's loss.
    if (this.state !== 'ended') this.problem = problemOf(thrown)
  }

  #resize(rows: number, cols: number): void {
    if (this.#session === undefined || this.state !== 'open') return
    // The next resize repairs a lost one.
    call('resize_terminal', { session: this.#session, rows, cols }).catch(() => undefined)
  }

  #take(event: TerminalEvent): void {
    if (event.type === 'opened') {
      const { session } = event
      this.#session = session
      this.command = event.command
      this.state = 'open'
      this.#typing
        .open((data) => call('terminal_input', { session, data }))
        .catch((thrown: unknown) => this.#failed(thrown))
      this.fit()
    } else if (event.type === 'output') {
      this.#terminal?.write(decode(event.data))
    } else {
      this.exitCode = event.code
      this.state = 'ended'
    }
  }
}
