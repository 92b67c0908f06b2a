import { call, stream, type BuildProgress, type BuildRecord, type BuildStep, type BuildSummary, type Subscription } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { problemOf } from '$lib/system/problem'
import { NO_LINES, NO_STEPS, withLines, withSteps, type LinesByNode, type StepsByNode } from './steps'

/** A build that is followed, or one that has ended. */
export class BuildRun {
  summary = $state.raw<BuildSummary | null>(null)
  steps = $state.raw<StepsByNode>(NO_STEPS)
  lines = $state.raw<LinesByNode>(NO_LINES)
  skipped = $state(0)
  problem = $state.raw<Problem | null>(null)
  #subscription: Subscription<BuildRecord>

  constructor(
    readonly id: string,
    ended: (record: BuildRecord) => void = () => undefined,
  ) {
    this.#subscription = stream('follow_build', { build: id }, (progress) => this.#take(progress))
    this.#subscription.done.then(
      (record) => {
        this.summary = record.summary
        this.steps = withSteps(NO_STEPS, record.steps)
        ended(record)
      },
      (thrown: unknown) => (this.problem = problemOf(thrown)),
    )
  }

  get running(): boolean {
    return this.summary?.state === 'running'
  }

  /** The step that failed. */
  get failed(): BuildStep | undefined {
    return [...this.steps.values()].find(({ state }) => state === 'failed')
  }

  #take({ summary, steps, lines, skippedLines }: BuildProgress): void {
    this.summary = summary
    if (steps.length > 0) this.steps = withSteps(this.steps, steps)
    if (lines.length > 0) this.lines = withLines(this.lines, lines)
    this.skipped += skippedLines
  }

  async cancel(): Promise<void> {
    if (this.summary?.activity) await call('cancel_activity', { id: this.summary.activity })
  }

  /** Stops following; the build goes on. */
  leave(): void {
    this.#subscription.cancel()
  }
}
