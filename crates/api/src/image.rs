//! Images: names, layers, pulls.

use std::collections::BTreeMap;

wire! {
    /// Names an image by reference, id, or unique id prefix.
    #[derive(Eq)]
    pub struct ImageName {
        /// Reference, id or prefix.
        pub image: String,
    }

    /// One row of the list of images.
    #[derive(Eq)]
    pub struct ImageSummary {
        /// Digest of the config.
        pub id: String,
        /// Digest of the manifest.
        pub manifest_digest: String,
        /// Names with tags, in their familiar form; empty when dangling.
        pub references: Vec<String>,
        /// Names with digests, `name@sha256:…`.
        pub repo_digests: Vec<String>,
        /// When the image was built, by its own word.
        pub created_at_ms: Option<u64>,
        /// Unpacked bytes of all layers.
        pub size_bytes: u64,
        /// Unpacked bytes of layers that no other image has.
        pub unique_bytes: u64,
        /// Bytes as stored and transferred.
        pub compressed_bytes: u64,
        /// `os/architecture[/variant]`.
        pub platform: String,
        /// Bottom layer first: what draws the jar.
        pub layers: Vec<LayerMark>,
        /// Names of the containers made from it.
        pub used_by: Vec<String>,
        /// User's labels.
        pub labels: BTreeMap<String, String>,
    }

    /// A layer as lists draw it.
    #[derive(Eq)]
    pub struct LayerMark {
        /// Equal chain IDs are the same snapshot.
        pub chain_id: String,
        /// Unpacked bytes.
        pub size_bytes: u64,
    }

    /// Everything about one image.
    #[derive(Eq)]
    pub struct ImageDetail {
        /// Its row in the list.
        pub summary: ImageSummary,
        /// What a container of it runs and how.
        pub config: ImageSettings,
        /// Every instruction, bottom first; those without files have no layer.
        pub history: Vec<HistoryStep>,
        /// Layers, bottom first.
        pub layers: Vec<Layer>,
        /// The documents from the name to the layers, in order.
        pub documents: Vec<ImageDocument>,
        /// The names taken apart.
        pub names: Vec<Dissection>,
    }

    /// What a container of the image runs, and how.
    #[derive(Default, Eq)]
    pub struct ImageSettings {
        /// `NAME=value`.
        pub env: Vec<String>,
        /// Always runs.
        pub entrypoint: Vec<String>,
        /// Arguments, or the command when there is no entrypoint.
        pub command: Vec<String>,
        /// Where it starts.
        pub working_dir: String,
        /// As whom.
        pub user: String,
        /// Ports it listens on, by its own word: `80/tcp`.
        pub exposed_ports: Vec<String>,
        /// Paths that get a volume.
        pub volumes: Vec<String>,
        /// Signal that asks it to stop.
        pub stop_signal: Option<String>,
        /// Labels.
        pub labels: BTreeMap<String, String>,
        /// CPU architecture.
        pub architecture: String,
        /// Operating system.
        pub os: String,
        /// Variant of the architecture.
        pub variant: Option<String>,
        /// Who made it, by its own word.
        pub author: Option<String>,
    }

    /// One step of the image's history.
    #[derive(Eq)]
    pub struct HistoryStep {
        /// The instruction that made it.
        pub created_by: String,
        /// When.
        pub created_at_ms: Option<u64>,
        /// A comment of the builder.
        pub comment: Option<String>,
        /// Index of its layer; absent for settings only.
        pub layer: Option<u32>,
        /// Unpacked bytes of its layer.
        pub size_bytes: u64,
    }

    /// One layer.
    #[derive(Eq)]
    pub struct Layer {
        /// Digest of the blob as transferred.
        pub digest: String,
        /// Digest of the tar within.
        pub diff_id: String,
        /// Digest of this layer and all below.
        pub chain_id: String,
        /// Media type of the blob.
        pub media_type: String,
        /// Bytes as transferred.
        pub compressed_bytes: u64,
        /// Bytes unpacked.
        pub size_bytes: u64,
        /// The instruction that made it, if known.
        pub created_by: Option<String>,
        /// References of other images with the same snapshot.
        pub shared_with: Vec<String>,
    }

    /// One JSON document between the name and the layers.
    #[derive(Eq)]
    pub struct ImageDocument {
        /// Which one.
        pub kind: DocumentKind,
        /// Its digest.
        pub digest: String,
        /// Its media type.
        pub media_type: String,
        /// The text, byte for byte.
        pub json: String,
    }

    /// The kinds of [`ImageDocument`].
    #[derive(Copy, Eq)]
    pub enum DocumentKind {
        /// Manifests by platform.
        Index,
        /// Config and layers.
        Manifest,
        /// Settings, history and diff IDs.
        Config,
    }

    /// A text to take apart.
    #[derive(Eq)]
    pub struct DissectName {
        /// What the user typed so far.
        pub text: String,
    }

    /// An image name taken apart.
    #[derive(Eq)]
    pub struct Dissection {
        /// The short form that people type.
        pub familiar: String,
        /// The full form.
        pub canonical: String,
        /// Parts, left to right.
        pub parts: Vec<NamePart>,
    }

    /// One part of an image name.
    #[derive(Eq)]
    pub struct NamePart {
        /// Which part.
        pub kind: NamePartKind,
        /// Its text, without separators.
        pub text: String,
        /// Not typed: it stands for a default.
        pub implied: bool,
    }

    /// The kinds of [`NamePart`].
    #[derive(Copy, Eq)]
    pub enum NamePartKind {
        /// Host and port.
        Registry,
        /// All path components but the last.
        Namespace,
        /// The last path component.
        Repository,
        /// A name that can move.
        Tag,
        /// A name that cannot.
        Digest,
    }

    /// Pulls an image.
    #[derive(Eq)]
    pub struct PullImage {
        /// The reference as typed.
        pub reference: String,
        /// `os/architecture[/variant]`; this machine's when absent.
        pub platform: Option<String>,
        /// Credentials for this pull only.
        pub credentials: Option<Credentials>,
    }

    /// A sign-in.
    #[derive(Eq)]
    pub struct Credentials {
        /// User name.
        pub username: String,
        /// Password or token.
        pub password: String,
    }

    /// How a pull stands. Sent at most 20 times a second.
    #[derive(Eq)]
    pub struct PullProgress {
        /// Its activity, for cancel.
        pub activity: String,
        /// The reference in canonical form.
        pub reference: String,
        /// What is going on.
        pub stage: PullStage,
        /// Documents, as soon as they are known.
        pub documents: Vec<PullDocument>,
        /// Config and layers, in the order of the manifest.
        pub blobs: Vec<BlobProgress>,
        /// Bytes that were downloaded.
        pub downloaded_bytes: u64,
        /// Bytes that had to be downloaded.
        pub to_download_bytes: u64,
        /// Bytes that were here already.
        pub saved_bytes: u64,
        /// Since the pull began.
        pub elapsed_usec: u64,
        /// The image's id, at the end.
        pub image_id: Option<String>,
        /// The manifest's digest, as soon as it is known.
        pub manifest_digest: Option<String>,
        /// At the end: the image was complete and the name pointed to it already.
        pub up_to_date: bool,
    }

    /// The stages of a pull.
    #[derive(Copy, Eq)]
    pub enum PullStage {
        /// Asking the registry what the name means.
        Resolving,
        /// Blobs are on their way.
        Fetching,
        /// Writing the name.
        Committing,
        /// Everything is here.
        Done,
    }

    /// A document that a pull has read.
    #[derive(Eq)]
    pub struct PullDocument {
        /// Which one.
        pub kind: DocumentKind,
        /// Its digest.
        pub digest: String,
        /// Its size.
        pub size_bytes: u64,
        /// What is worth knowing of it.
        pub fact: DocumentFact,
    }

    /// What is worth knowing of a document.
    #[derive(Eq)]
    #[serde(tag = "type", rename_all_fields = "camelCase")]
    pub enum DocumentFact {
        /// An index has images for so many platforms.
        Platforms {
            /// How many.
            count: u32,
        },
        /// A manifest is of an image for this platform.
        Platform {
            /// `os/architecture[/variant]`.
            platform: String,
        },
        /// A config has so many settings.
        Settings {
            /// How many.
            count: u32,
        },
    }

    /// One blob of a pull: a row of the waterfall. Times count from the start of the pull.
    #[derive(Eq)]
    pub struct BlobProgress {
        /// Its digest.
        pub digest: String,
        /// Number of the layer from the bottom, 1 first; absent for the config.
        pub layer: Option<u32>,
        /// Bytes as transferred.
        pub size_bytes: u64,
        /// Bytes that have arrived.
        pub downloaded_bytes: u64,
        /// How it stands.
        pub phase: BlobPhase,
        /// The download.
        pub download: Option<Lapse>,
        /// Checking size and digest.
        pub verify: Option<Lapse>,
        /// Unpacking into the snapshot.
        pub unpack: Option<Lapse>,
        /// Images that share it, when it was here already.
        pub shared_with: Vec<String>,
    }

    /// From when to when, in microseconds since the pull began; open while it lasts.
    #[derive(Copy, Eq)]
    pub struct Lapse {
        /// Start.
        pub start_usec: u64,
        /// End.
        pub end_usec: Option<u64>,
    }

    /// How a blob stands.
    #[derive(Copy, Eq)]
    pub enum BlobPhase {
        /// Waits for its turn.
        Waiting,
        /// Bytes arrive.
        Downloading,
        /// Its digest is computed.
        Verifying,
        /// Its files are written.
        Unpacking,
        /// Everything is here.
        Done,
        /// It was here before; nothing was downloaded.
        AlreadyHere,
    }

    /// Pushes an image.
    #[derive(Eq)]
    pub struct PushImage {
        /// The reference, which names the registry too.
        pub reference: String,
        /// Credentials for this push only.
        pub credentials: Option<Credentials>,
    }

    /// What was pushed.
    #[derive(Eq)]
    pub struct PushedImage {
        /// The name that points to it now.
        pub reference: String,
        /// Digest of the manifest or index.
        pub digest: String,
        /// Size of that document.
        pub size_bytes: u64,
    }

    /// How a push stands. Sent at most 20 times a second.
    #[derive(Eq)]
    pub struct PushProgress {
        /// Its activity, for cancel.
        pub activity: String,
        /// The reference in familiar form.
        pub reference: String,
        /// Configs and layers.
        pub blobs: Vec<PushBlob>,
        /// Bytes that were sent.
        pub pushed_bytes: u64,
        /// Bytes that have to be sent, as far as is known.
        pub to_push_bytes: u64,
        /// Bytes that the registry had already.
        pub saved_bytes: u64,
        /// Since the push began.
        pub elapsed_usec: u64,
        /// Digest of what the name points to, at the end.
        pub digest: Option<String>,
    }

    /// One blob of a push.
    #[derive(Eq)]
    pub struct PushBlob {
        /// Its digest.
        pub digest: String,
        /// Number of the layer from the bottom, 1 first; absent for a config.
        pub layer: Option<u32>,
        /// Bytes to send.
        pub size_bytes: u64,
        /// Bytes that were sent.
        pub pushed_bytes: u64,
        /// How it stands.
        pub phase: PushPhase,
    }

    /// How a blob of a push stands.
    #[derive(Copy, Eq)]
    pub enum PushPhase {
        /// Waits for its turn.
        Waiting,
        /// Bytes are sent, or the registry is asked whether it has them.
        Pushing,
        /// It was sent.
        Done,
        /// The repository had it.
        AlreadyThere,
        /// The registry took it from another of its repositories.
        Mounted,
    }

    /// Writes images into an archive on disk.
    #[derive(Eq)]
    pub struct SaveImages {
        /// References, ids or prefixes.
        pub images: Vec<String>,
        /// The file; it must not be there yet.
        pub path: String,
    }

    /// Takes in the images of an archive on disk.
    #[derive(Eq)]
    pub struct LoadImages {
        /// The file: of `docker save`, or an OCI layout in a tar.
        pub path: String,
    }

    /// An image that was taken in.
    #[derive(Eq)]
    pub struct LoadedImage {
        /// Its id.
        pub id: String,
        /// Names that point to it now.
        pub references: Vec<String>,
    }

    /// Gives an image one more name.
    #[derive(Eq)]
    pub struct TagImage {
        /// Reference, id or prefix.
        pub image: String,
        /// The new reference.
        pub reference: String,
    }

    /// Removes a name, and the image with its last name.
    #[derive(Eq)]
    pub struct RemoveImage {
        /// Reference, id or prefix.
        pub image: String,
        /// Also when it has several names or stopped containers use it.
        pub force: bool,
    }

    /// What a removal removed.
    #[derive(Eq)]
    pub struct RemovedImage {
        /// Names that are gone.
        pub untagged: Vec<String>,
        /// Ids and layers that are gone.
        pub deleted: Vec<String>,
        /// Bytes that are free again.
        pub freed_bytes: u64,
    }
}
