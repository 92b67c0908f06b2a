/** The digest of a text, computed here: whoever doubts a document can see that it is what its name says. */
export async function sha256(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return `sha256:${[...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** Whether a document has the digest that names it. */
export const verified = async ({ digest, json }: { digest: string; json: string }): Promise<boolean> => (await sha256(json)) === digest
