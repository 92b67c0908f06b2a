/** The particles that change with the sound before them: [after a consonant, after a vowel]. */
const PAIRS = {
  '은/는': ['은', '는'],
  '이/가': ['이', '가'],
  '을/를': ['을', '를'],
  '과/와': ['과', '와'],
  '으로/로': ['으로', '로'],
} as const

export type Josa = keyof typeof PAIRS

const FIRST_SYLLABLE = 0xac00
const LAST_SYLLABLE = 0xd7a3
const FINALS = 28
const RIEUL = 8

/** How digits end when read in Korean: 영 일 이 삼 사 오 육 칠 팔 구, as the index of the final consonant. */
const DIGIT_FINALS = [21, RIEUL, 0, 16, 0, 0, 1, RIEUL, RIEUL, 0]
/** Letters whose Korean names end in a consonant: 엘, 엠, 엔, 알. Whole words follow their last letter. */
const LETTER_FINALS: Record<string, number> = { l: RIEUL, m: 16, n: 4, r: RIEUL }

function finalOf(word: string): number {
  // Brackets, quotes and punctuation are not spoken.
  const spoken = word.replace(/[\s"'`()[\]{}<>.,:;!?…‘’“”]+$/u, '')
  const last = spoken.slice(-1).toLowerCase()
  const code = last.charCodeAt(0)
  if (code >= FIRST_SYLLABLE && code <= LAST_SYLLABLE) return (code - FIRST_SYLLABLE) % FINALS
  if (last >= '0' && last <= '9') return DIGIT_FINALS[Number(last)] ?? 0
  return LETTER_FINALS[last] ?? 0
}

/** Returns `word` with the particle that fits its last sound: `josa('볼륨', '을/를')` is `볼륨을`. */
export function josa(word: string, pair: Josa): string {
  const final = finalOf(word)
  const [consonant, vowel] = PAIRS[pair]
  // ㄹ takes 로, not 으로.
  const closed = final !== 0 && !(pair === '으로/로' && final === RIEUL)
  return word + (closed ? consonant : vowel)
}
