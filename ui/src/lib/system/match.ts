const FIRST_SYLLABLE = 0xac00
const LAST_SYLLABLE = 0xd7a3
const SYLLABLES_PER_INITIAL = 588
const INITIALS = [...'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ']

/** The first consonants of Hangul syllables, which is how people abbreviate: 컨테이너 is ㅋㅌㅇㄴ. */
export function initials(text: string): string {
  return [...text]
    .map((letter) => {
      const code = letter.charCodeAt(0)
      if (code < FIRST_SYLLABLE || code > LAST_SYLLABLE) return letter
      return INITIALS[Math.floor((code - FIRST_SYLLABLE) / SYLLABLES_PER_INITIAL)] ?? letter
    })
    .join('')
}

/** How well a text answers a query: 0 not at all, higher is better. Every word of the query must be found. */
export function score(text: string, query: string): number {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return 1
  const forms = [text.toLowerCase(), initials(text.toLowerCase())]
  let sum = 0
  for (const word of words) {
    const best = Math.max(...forms.map((form) => place(form, word)))
    if (best === 0) return 0
    sum += best
  }
  return sum / words.length
}

/** A match at the start is worth more than one at the start of a word, and that more than one inside. */
function place(text: string, word: string): number {
  const at = text.indexOf(word)
  if (at === -1) return 0
  if (at === 0) return 3
  return /[\s/:._-]/.test(text[at - 1] ?? '') ? 2 : 1
}
