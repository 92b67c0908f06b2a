const PLAIN = /^[\w@%+=:,./-]+$/

/** A word as a shell reads it back. */
const quoted = (word: string): string => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

/** What a failed command is to be typed as: the line that a shell was given, else its words. Its last line waits for Enter. */
export function typed(command: readonly string[]): string {
  const text = command.length > 2 && command.at(-2)?.endsWith('c') && command.at(-2)?.startsWith('-') ? (command.at(-1) ?? '') : command.map(quoted).join(' ')
  return text.trim().replaceAll('\r', '')
}
