import { autocompletion, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete'
import type { Diagnostic } from '@codemirror/lint'
import { hoverTooltip, type EditorView, type Tooltip } from '@codemirror/view'
import { call, type DockerfileModel, type TextCandidate, type TextFix, type TextProblem } from '$lib/ipc/client'
import { t } from '$lib/shared/i18n/index.svelte'

type Instruction = keyof typeof t.instructions

export const isInstruction = (word: string): word is Instruction => word in t.instructions

/** A problem in the language of the window. */
export function problemText({ code, values, message }: TextProblem): string {
  const texts: Record<string, (values: Record<string, string>) => string> = t.problems
  return texts[code]?.(values as Record<string, string>) ?? message
}

/** Problems as the editor underlines them, each with its repair. */
export function diagnostics(problems: readonly TextProblem[], length: number, fix: (fix: TextFix) => void): Diagnostic[] {
  return problems
    .filter(({ range }) => range.end <= length)
    .map((problem) => ({
      from: problem.range.start,
      to: Math.max(problem.range.end, problem.range.start),
      severity: problem.isError ? 'error' : 'warning',
      message: problemText(problem),
      ...(problem.fix && { actions: [{ name: t.studio.fix, apply: () => problem.fix && fix(problem.fix) }] }),
    }))
}

/** What stands under a place: an instruction or a flag that has an explanation. */
export function explain(model: DockerfileModel, text: string, at: number): { start: number; end: number; title: string; help: string } | null {
  const token = model.tokens.find(({ start, end }) => at >= start && at <= end)
  if (token === undefined) return null
  const word = text.slice(token.start, token.end)
  if (token.kind === 'keyword') {
    const name = word.toUpperCase()
    return isInstruction(name) ? { ...token, title: name, help: t.instructions[name].help } : null
  }
  if (token.kind !== 'flag' || !word.startsWith('--')) return null
  const flag = word.slice(2).split('=')[0] ?? ''
  const block = model.blocks.find(({ range }) => at >= range.start && at <= range.end)
  const help = t.flags[`${block?.keyword ?? ''}.${flag}`]
  return help === undefined ? null : { ...token, title: `--${flag}`, help }
}

export function hover(model: () => DockerfileModel | null) {
  return hoverTooltip((view: EditorView, at): Tooltip | null => {
    const known = model()
    const found = known && explain(known, view.state.doc.toString(), at)
    if (!found) return null
    return {
      pos: found.start,
      end: found.end,
      above: true,
      create() {
        const dom = document.createElement('div')
        dom.className = 'cm-hover'
        const title = document.createElement('strong')
        title.textContent = found.title
        dom.append(title, ` ${found.help}`)
        return { dom }
      },
    }
  })
}

function option({ text, kind }: TextCandidate): Completion {
  const word = text.toUpperCase()
  const detail = kind === 'keyword' && isInstruction(word) ? t.instructions[word].short : undefined
  return { label: text, ...(detail && { detail }), apply: kind === 'keyword' ? `${text} ` : text }
}

export function complete(project: string) {
  const source = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const text = context.state.doc.toString()
    const line = context.state.doc.lineAt(context.pos)
    // An empty line asks for nothing by itself; Ctrl+Space does.
    if (!context.explicit && text.slice(line.from, context.pos).trim() === '') return null
    const { range, candidates } = await call('complete_dockerfile', { text, at: context.pos, project })
    if (candidates.length === 0 || context.aborted) return null
    return { from: range.start, to: range.end, options: candidates.map(option), filter: false }
  }
  return autocompletion({ override: [source], icons: false })
}
