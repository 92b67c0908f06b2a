/** The time, once per second, for "3 min ago"; it stands still while the window is hidden. */
class Clock {
  now = $state(Date.now())
  #timer: ReturnType<typeof setInterval> | undefined

  start(): void {
    const follow = (): void => {
      clearInterval(this.#timer)
      if (document.hidden) return
      this.now = Date.now()
      this.#timer = setInterval(() => (this.now = Date.now()), 1_000)
    }
    document.addEventListener('visibilitychange', follow)
    follow()
  }
}

export const clockTick = new Clock()
