const SHOWN = 12

/** Suggestions that hold what was typed, those that begin with it first. What is already typed in full is no suggestion. */
export function matching(suggestions: readonly string[], typed: string): string[] {
  const text = typed.trim().toLowerCase()
  const found = [...new Set(suggestions)].filter((one) => one.toLowerCase().includes(text) && one.toLowerCase() !== text)
  const begins = (one: string): boolean => one.toLowerCase().startsWith(text)
  return [...found.filter(begins), ...found.filter((one) => !begins(one))].slice(0, SHOWN)
}
