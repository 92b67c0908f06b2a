//! Images that were removed and can come back.

use crate::ImageSummary;

wire! {
    /// How much is in the trash. Whoever shows what it is asks for it anew at each change.
    #[derive(Copy, Default, Eq)]
    pub struct TrashSummary {
        /// Images, and single names of images.
        pub images: u32,
    }

    /// What is in the trash.
    #[derive(Eq)]
    pub struct Trash {
        /// What was removed last comes first.
        pub images: Vec<TrashedImage>,
        /// Bytes that emptying it would free.
        pub freed_bytes: u64,
        /// So long something stays in it.
        pub kept_days: u32,
    }

    /// An image, or one name of it, that was removed.
    #[derive(Eq)]
    pub struct TrashedImage {
        /// By which it is restored.
        pub id: String,
        /// The image's id.
        pub image_id: String,
        /// Its names, in their familiar form; empty for an image that had none.
        pub references: Vec<String>,
        /// Whether only names went and the image stayed.
        pub names_only: bool,
        /// When it was removed.
        pub removed_at_ms: u64,
        /// When it goes for good.
        pub expires_at_ms: u64,
        /// Unpacked bytes of all layers.
        pub size_bytes: u64,
        /// Bytes that would be free if it alone went for good.
        pub freed_bytes: u64,
        /// Whether everything of it is still here.
        pub restorable: bool,
    }

    /// Names something in the trash.
    #[derive(Eq)]
    pub struct TrashId {
        /// Its id there.
        pub id: String,
    }

    /// What of the trash goes for good.
    #[derive(Eq)]
    pub struct EmptyTrash {
        /// Ids there; everything when absent.
        pub ids: Option<Vec<String>>,
    }

    /// An image that came back.
    #[derive(Eq)]
    pub struct RestoredImage {
        /// Its row in the list.
        pub image: ImageSummary,
        /// Names that another image has by now, and keeps.
        pub taken: Vec<String>,
    }
}
