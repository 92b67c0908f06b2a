/**
 * Splits a command as a shell would: at spaces, with quotes and backslashes, and without any expansion. A quote that is
 * not closed reaches to the end, because the command is still being typed.
 */
export function splitCommand(text: string): string[] {
  const words: string[] = []
  let word: string | null = null
  let quote = ''
  for (let index = 0; index < text.length; index++) {
    const letter = text[index] ?? ''
    if (letter === '\\' && quote !== "'") {
      word = (word ?? '') + (text[++index] ?? '')
    } else if (quote !== '') {
      if (letter === quote) quote = ''
      else word = (word ?? '') + letter
    } else if (letter === '"' || letter === "'") {
      quote = letter
      word ??= ''
    } else if (/\s/.test(letter)) {
      if (word !== null) words.push(word)
      word = null
    } else {
      word = (word ?? '') + letter
    }
  }
  return word === null ? words : [...words, word]
}
