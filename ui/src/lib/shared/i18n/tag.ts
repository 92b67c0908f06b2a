/**
 * WebKitGTK passes the POSIX locale on as it is: under `LANG=C` the language of the navigator is `C`, and every `Intl` of a
 * library that asks for it throws. Must run before such a library is loaded.
 */
export function repairLanguage(holder: { language: string }): void {
  try {
    Intl.getCanonicalLocales(holder.language)
  } catch {
    Object.defineProperty(holder, 'language', { value: 'en-US', configurable: true })
  }
}
