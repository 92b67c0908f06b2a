/** The public key that was used last: images of one signer are checked one after the other. */
class LastKey {
  pem = $state('')
}

export const lastKey = new LastKey()
