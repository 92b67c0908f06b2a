//! The state of what is kept: damage, and what became of it.

wire! {
    /// What a look at everything that is kept found.
    #[derive(Eq)]
    pub struct StoreCheck {
        /// How many bytes were hashed.
        pub hashed_bytes: u64,
        /// What is not as it should be.
        pub damage: Vec<Damage>,
    }

    /// What a repair did.
    #[derive(Eq)]
    pub struct Repaired {
        /// What was not as it should be.
        pub found: Vec<Damage>,
        /// The images that were pulled anew.
        pub pulled: Vec<String>,
        /// What is still not as it should be.
        pub left: Vec<Damage>,
    }

    /// Something that is not as it should be.
    #[derive(Eq)]
    pub struct Damage {
        /// What is wrong.
        pub kind: DamageKind,
        /// The blob or snapshot.
        pub object: String,
        /// The image that needs it, where that is known.
        pub image: Option<String>,
    }

    /// What is wrong with something that is kept.
    #[derive(Copy, Eq)]
    pub enum DamageKind {
        /// The bytes of a blob are not those of its digest.
        WrongBytes,
        /// A blob is not there.
        Missing,
        /// A blob is no manifest or index, although it should be.
        NoDocument,
        /// A layer lies on one that is not there.
        NoParent,
    }
}
