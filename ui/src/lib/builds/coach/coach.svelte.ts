import { call, type Measured, type Proposal } from '$lib/ipc/client'
import type { Problem } from '$lib/shared/loading'
import { overview } from '$lib/system/overview.svelte'
import { problemOf } from '$lib/system/problem'

/** What is measured of a proposal, or why it could not be. */
export type Trial = { state: 'running' } | { state: 'done'; measured: Measured } | { state: 'failed'; problem: Problem }

/** A proposal is another one when its text is. */
export const keyOf = ({ kind, text, leaveOut }: Proposal): string => `${kind}\n${text ?? leaveOut.join('\n')}`

/** The proposals for the text that is shown, and what was measured of them. */
export class Coach {
  proposals = $state.raw<readonly Proposal[]>([])
  /** The text that they are about. */
  text = $state('')
  trials = $state.raw<Readonly<Record<string, Trial | undefined>>>({})
  #asked = 0

  constructor(readonly project: string) {}

  /** Looks at a text. Without an answer there are no proposals, which is no problem of the user's. */
  async look(text: string): Promise<void> {
    const mine = ++this.#asked
    const { proposals } = await call('coach', { project: this.project, text }).catch(() => ({ proposals: [] }))
    if (mine !== this.#asked) return
    this.proposals = proposals
    this.text = text
  }

  get measuring(): boolean {
    return Object.values(this.trials).some((trial) => trial?.state === 'running')
  }

  async measure(proposal: Proposal): Promise<void> {
    const { text: after, kind } = proposal
    if (after === null || this.measuring) return
    const key = keyOf(proposal)
    this.#note(key, { state: 'running' })
    try {
      const measured = await call('measure_proposal', { project: this.project, before: this.text, after, kind })
      this.#note(key, { state: 'done', measured })
    } catch (thrown) {
      const problem = problemOf(thrown)
      this.#note(key, problem.code === 'canceled' ? undefined : { state: 'failed', problem })
    }
  }

  /** Cancels what is measured. */
  async cancel(): Promise<void> {
    const own = overview.activities.findLast(({ kind, state, subject }) => kind === 'buildImage' && state === 'running' && subject.endsWith('(measured)'))
    if (own) await call('cancel_activity', { id: own.id })
  }

  async leaveOut(lines: readonly string[]): Promise<void> {
    await call('leave_out', { project: this.project, lines: [...lines] })
  }

  #note(key: string, trial: Trial | undefined): void {
    this.trials = { ...this.trials, [key]: trial }
  }
}
