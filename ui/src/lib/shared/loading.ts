/** What a view shows while it waits, fails, or has its answer. */
export type Loadable<T> =
  | { state: 'loading' }
  | { state: 'failed'; problem: Problem }
  | { state: 'ready'; value: T }

/** An error in the words of the person who meets it; `code` is stable and can be searched for. */
export interface Problem {
  code: string
  message: string
  causes: readonly string[]
  hint?: string | null | undefined
}
