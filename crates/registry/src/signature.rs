//! Signatures of images as cosign makes them with a key pair: "simple signing" (cosign,
//! `SIGNATURE_SPEC.md`).
//!
//! What signs a manifest is an image of its own, under the tag `sha256-HEX.sig` of the same repository or
//! among the manifest's referrers. Each of its layers is a payload, JSON that names the digest; the
//! signature of the payload stands in the layer's annotations.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;
use terrarium_oci::{Descriptor, Digest, Document, Manifest, Reference};

use crate::{Client, Error, Result};

const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const PAYLOAD_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// A payload is some hundred bytes.
const PAYLOAD_BYTES: usize = 64 << 10;
/// More signatures than anybody makes; a hostile registry could list millions.
const MAX_SIGNATURES: usize = 100;
/// Lists of contents and attestations are among them.
const MAX_REFERRERS: usize = 50;

/// The ASN.1 of a P-256 key up to its point (RFC 5480).
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const POINT_BYTES: usize = 65;

/// The public half of a key pair of cosign: ECDSA on P-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    point: Vec<u8>,
}

/// What somebody signed, and the signature; neither is checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The bytes that are signed.
    pub payload: Vec<u8>,
    /// The signature, ASN.1.
    pub signature: Vec<u8>,
}

/// What a payload says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Critical {
    #[serde(default)]
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Identity {
    #[serde(default, rename = "docker-reference")]
    reference: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// What became of checking a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The key signed this digest; the name is what the signer called the image.
    Valid {
        /// May be empty.
        reference: String,
    },
    /// Another key signed it, or somebody changed it.
    WrongKey,
    /// The key signed something else.
    OtherContent,
}

impl PublicKey {
    /// Reads a key in PEM, as `cosign.pub` has it; none for anything but a key on P-256.
    pub fn parse(pem: &str) -> Option<Self> {
        let body = pem.split_once("-----BEGIN PUBLIC KEY-----")?.1;
        let body = body.split_once("-----END PUBLIC KEY-----")?.0;
        let text: String = body.split_whitespace().collect();
        let der = BASE64_STANDARD.decode(text).ok()?;
        let point = der.strip_prefix(&P256_PREFIX)?;
        let is_point = point.len() == POINT_BYTES && point[0] == 4;
        is_point.then(|| Self {
            point: point.to_vec(),
        })
    }

    /// Whether this key signed that an image is `digest`.
    pub fn check(&self, signature: &Signature, digest: &Digest) -> Verdict {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.point);
        // Before anything of the payload is believed.
        if key
            .verify(&signature.payload, &signature.signature)
            .is_err()
        {
            return Verdict::WrongKey;
        }
        match serde_json::from_slice::<Payload>(&signature.payload) {
            Ok(Payload { critical })
                if critical.kind == "cosign container image signature"
                    && critical.image.digest == digest.as_str() =>
            {
                let reference = critical.identity.reference;
                Verdict::Valid { reference }
            }
            _ => Verdict::OtherContent,
        }
    }
}

impl Client {
    /// The signatures that the registry keeps for the manifest or index `digest`; none where there are none.
    ///
    /// # Errors
    /// As for [`Client::resolve`], but not where nothing was signed.
    pub async fn signatures(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Vec<Signature>> {
        let mut found = Vec::new();
        let tag = format!(
            "{}:{}.sig",
            reference.name(),
            digest.as_str().replace(':', "-")
        );
        if let Ok(tag) = tag.parse::<Reference>() {
            match self.document(&tag).await {
                Ok((_, Document::Manifest(manifest))) => {
                    self.read_signatures(reference, &manifest, &mut found)
                        .await?;
                }
                Ok(_) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let referrers = self.referrers(reference, digest).await?;
        for referrer in referrers.into_iter().take(MAX_REFERRERS) {
            if let (_, Document::Manifest(manifest)) =
                self.document(&reference.at_digest(referrer.digest)).await?
            {
                self.read_signatures(reference, &manifest, &mut found)
                    .await?;
            }
        }
        Ok(found)
    }

    async fn read_signatures(
        &self,
        reference: &Reference,
        manifest: &Manifest,
        found: &mut Vec<Signature>,
    ) -> Result<()> {
        for layer in &manifest.layers {
            let Some(signature) = signature_of(layer) else {
                continue;
            };
            if found.len() >= MAX_SIGNATURES {
                return Ok(());
            }
            let payload = self.fetch_small(reference, layer, PAYLOAD_BYTES).await?;
            found.push(Signature { payload, signature });
        }
        Ok(())
    }
}

fn signature_of(layer: &Descriptor) -> Option<Vec<u8>> {
    if layer.media_type.as_str() != PAYLOAD_TYPE {
        return None;
    }
    let text = layer.annotations.get(SIGNATURE)?;
    BASE64_STANDARD.decode(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

    use super::*;

    fn pair() -> (EcdsaKeyPair, PublicKey) {
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(kind, document.as_ref(), &random).unwrap();
        let der = [&P256_PREFIX[..], pair.public_key().as_ref()].concat();
        let pem = format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            BASE64_STANDARD.encode(der)
        );
        let key = PublicKey::parse(&pem).unwrap();
        (pair, key)
    }

    fn signed(pair: &EcdsaKeyPair, digest: &str, kind: &str) -> Signature {
        let payload = format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"a/b"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"{kind}"}},"optional":null}}"#
        )
        .into_bytes();
        let signature = pair.sign(&SystemRandom::new(), &payload).unwrap();
        Signature {
            payload,
            signature: signature.as_ref().to_vec(),
        }
    }

    #[test]
    fn a_signature_counts_for_its_key_its_digest_and_its_bytes_only() {
        const KIND: &str = "cosign container image signature";
        let (pair, key) = pair();
        let (digest, other) = (Digest::sha256_of(b"a"), Digest::sha256_of(b"b"));
        let good = signed(&pair, digest.as_str(), KIND);
        let reference = "a/b".to_owned();
        assert_eq!(key.check(&good, &digest), Verdict::Valid { reference });
        assert_eq!(key.check(&good, &other), Verdict::OtherContent);
        let another = signed(&pair, digest.as_str(), "something else");
        assert_eq!(key.check(&another, &digest), Verdict::OtherContent);
        let mut changed = good.clone();
        changed.payload.push(b' ');
        assert_eq!(key.check(&changed, &digest), Verdict::WrongKey);
        let (stranger, _) = self::pair();
        let forged = signed(&stranger, digest.as_str(), KIND);
        assert_eq!(key.check(&forged, &digest), Verdict::WrongKey);
    }

    #[test]
    fn only_keys_on_p_256_are_read() {
        for bad in [
            "",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
            "ssh-rsa AAAA",
        ] {
            assert_eq!(PublicKey::parse(bad), None, "{bad}");
        }
    }
}
