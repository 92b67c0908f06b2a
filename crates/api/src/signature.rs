//! Who signed an image.

wire! {
    /// Checks the signatures of an image with a key.
    #[derive(Eq)]
    pub struct VerifyImage {
        /// The name, as it is pulled.
        pub image: String,
        /// A public key of cosign, in PEM.
        pub key: String,
    }

    /// What the signatures of an image are worth.
    #[derive(Eq)]
    pub struct ImageSignatures {
        /// The digest that is meant: what is here under this name, or else what the registry has.
        pub digest: String,
        /// Whether it is the image that is here.
        pub is_local: bool,
        /// Whether at least one signature is good.
        pub verified: bool,
        /// One by one.
        pub signatures: Vec<SignatureCheck>,
    }

    /// One signature.
    #[derive(Eq)]
    pub struct SignatureCheck {
        /// What it is worth.
        pub verdict: SignatureVerdict,
        /// What the signer called the image; for a good one only.
        pub reference: Option<String>,
    }

    /// What a signature is worth.
    #[derive(Copy, Eq)]
    pub enum SignatureVerdict {
        /// The key signed exactly this.
        Valid,
        /// Another key signed it, or somebody changed it.
        WrongKey,
        /// The key signed something else.
        OtherContent,
    }
}
