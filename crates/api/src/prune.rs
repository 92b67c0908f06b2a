//! Tidying up as a receipt: what would go, how much that frees, and the removal of what was chosen.

wire! {
    /// Which objects are to go.
    #[derive(Eq)]
    pub struct PruneChoice {
        /// Those that are chosen; absent: what is safe to lose.
        pub picked: Option<Vec<PruneKey>>,
    }

    /// Names an object of a receipt.
    #[derive(Eq, PartialOrd, Ord)]
    pub struct PruneKey {
        /// What it is.
        pub kind: PruneKind,
        /// Its id, that in the trash for what is there; a volume's name.
        pub id: String,
    }

    /// What an object of a receipt is.
    #[derive(Copy, Eq, PartialOrd, Ord)]
    pub enum PruneKind {
        /// A container.
        Container,
        /// An image.
        Image,
        /// A volume.
        Volume,
        /// An image in the trash, or one name of it.
        Trash,
    }

    /// What could go.
    #[derive(Eq)]
    pub struct PruneReceipt {
        /// Everything that nothing needs, chosen or not.
        pub items: Vec<PruneItem>,
        /// Bytes on disk that are free again when all that is chosen goes; what chosen images share
        /// with others counts only if all of them go.
        pub freed_bytes: u64,
    }

    /// One object that could go.
    #[derive(Eq)]
    pub struct PruneItem {
        /// Which.
        pub key: PruneKey,
        /// What people call it.
        pub name: String,
        /// Why it can go.
        pub reason: PruneReason,
        /// Bytes that are its own.
        pub size_bytes: u64,
        /// Whether it is chosen.
        pub picked: bool,
    }

    /// Why an object can go.
    #[derive(Copy, Eq)]
    pub enum PruneReason {
        /// A container that does not run.
        Stopped,
        /// An image without a name that no container uses.
        Unnamed,
        /// An image that no container uses.
        Unused,
        /// A volume without a name of its own that no container mounts.
        Anonymous,
        /// A named volume that no container mounts.
        Unmounted,
        /// It was removed, and can still be taken back.
        Trashed,
    }

    /// What was removed.
    #[derive(Eq)]
    pub struct Pruned {
        /// How many objects.
        pub removed: u32,
        /// Bytes that are free again.
        pub freed_bytes: u64,
        /// What stayed, and why.
        pub failed: Vec<String>,
    }
}
