export type Subject = { kind: 'container' | 'image' | 'volume' | 'network'; id: string }

/** The object that is looked at: the selected row or the open object. The inspector follows it. */
class SubjectState {
  current = $state.raw<Subject | null>(null)

  set(kind: Subject['kind'], id: string | null | undefined): void {
    this.current = id == null ? null : { kind, id }
  }
}

export const subject = new SubjectState()
