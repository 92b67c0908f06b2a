//! Whether a key signed an image.

use terrarium_api::{
    Error, ErrorCode, ImageSignatures, SignatureCheck, SignatureVerdict, VerifyImage,
};
use terrarium_registry::{PublicKey, Verdict};

use super::{error::registry_failed, names::parse};
use crate::{Engine, Result};

impl Engine {
    /// Asks the registry for the signatures of an image and checks them with a key of cosign. What is here
    /// under the name counts, and where nothing is, what the registry has.
    ///
    /// # Errors
    /// `InvalidReference`; `InvalidArgument` for what is no such key; what the registry said.
    pub async fn verify_image(&self, request: VerifyImage) -> Result<ImageSignatures> {
        let reference = parse(&request.image)?;
        let key = PublicKey::parse(&request.key).ok_or_else(|| {
            Error::new(ErrorCode::InvalidArgument, "read the public key")
                .hint("give a key that `cosign generate-key-pair` made: ECDSA on P-256, in PEM")
        })?;
        let client = self.inner.images.client(reference.registry(), None);
        let what = || format!("ask for the signatures of {}", reference.familiar());
        let failed = |error| registry_failed(what(), &error);
        let here = self.store().references().get(&reference.canonical());
        let digest = match (&here, reference.digest()) {
            (Some(here), _) => here.digest.clone(),
            (None, Some(digest)) => digest.clone(),
            (None, None) => client.document(&reference).await.map_err(failed)?.0.digest,
        };
        let found = client
            .signatures(&reference, &digest)
            .await
            .map_err(failed)?;
        let signatures: Vec<SignatureCheck> = found
            .iter()
            .map(|signature| shown(key.check(signature, &digest)))
            .collect();
        let is_valid = |check: &SignatureCheck| check.verdict == SignatureVerdict::Valid;
        Ok(ImageSignatures {
            digest: digest.to_string(),
            is_local: here.is_some(),
            verified: signatures.iter().any(is_valid),
            signatures,
        })
    }
}

fn shown(verdict: Verdict) -> SignatureCheck {
    let (verdict, reference) = match verdict {
        Verdict::Valid { reference } => (SignatureVerdict::Valid, Some(reference)),
        Verdict::WrongKey => (SignatureVerdict::WrongKey, None),
        Verdict::OtherContent => (SignatureVerdict::OtherContent, None),
    };
    SignatureCheck { verdict, reference }
}
