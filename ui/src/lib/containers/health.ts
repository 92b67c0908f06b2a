/** What a health check runs, as a person would type it. */
export function testText(test: readonly string[]): string {
  const [, ...words] = test
  return words.join(' ')
}
