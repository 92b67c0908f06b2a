//! The files of images and containers, layer by layer.
//!
//! Names are bytes on disk and text here: a byte that is no text is written `\xNN`, a backslash
//! `\\`. Layers are counted from 0, the bottom one; a container's writable layer is the topmost.

wire! {
    /// Whose files.
    #[derive(Eq)]
    #[serde(tag = "kind", rename_all_fields = "camelCase")]
    pub enum FilesOf {
        /// Those of an image.
        Image {
            /// Reference, id or prefix.
            image: String,
        },
        /// Those of an image and what a container wrote on top, as it is now.
        Container {
            /// Name or id.
            container: String,
        },
        /// Those of a volume, as one layer.
        Volume {
            /// Its name.
            volume: String,
        },
    }

    /// Asks for the sums of all layers.
    #[derive(Eq)]
    pub struct FilesQuery {
        /// Whose.
        pub of: FilesOf,
    }

    /// What each layer does, and how much nobody can see.
    pub struct FilesSummary {
        /// Bottom first.
        pub layers: Vec<LayerFiles>,
        /// Bytes of all files of all layers, several names of one file once.
        pub size_bytes: u64,
        /// Of these, what layers above hide.
        pub wasted_bytes: u64,
        /// The part that is to be seen, 0 to 1.
        pub efficiency: f64,
        /// Files that are to be seen at the end.
        pub files: u32,
        /// How many names waste something.
        pub wasteful_names: u32,
        /// Those that waste most.
        pub wasted: Vec<WastedFile>,
    }

    /// What one layer does.
    #[derive(Copy, Eq)]
    pub struct LayerFiles {
        /// Names that were not there before.
        pub added: u32,
        /// Names with other content or attributes.
        pub modified: u32,
        /// Names that are there no more.
        pub deleted: u32,
        /// Bytes of its files.
        pub size_bytes: u64,
        /// Of these, what layers above hide.
        pub hidden_bytes: u64,
    }

    /// A name that takes room which nobody sees.
    #[derive(Eq)]
    pub struct WastedFile {
        /// Its path.
        pub path: String,
        /// The bytes that are hidden.
        pub size_bytes: u64,
        /// The layers that have it or remove it, bottom first.
        pub layers: Vec<u32>,
        /// Gone at the end; otherwise there in a newer form.
        pub removed: bool,
    }

    /// Asks for what is in a folder after a layer.
    #[derive(Eq)]
    pub struct FolderQuery {
        /// Whose.
        pub of: FilesOf,
        /// After which layer.
        pub layer: u32,
        /// The folder; `/` for the root.
        pub path: String,
        /// Only what that layer changed, or what holds something that it changed.
        pub changed_only: bool,
        /// How many rows to leave out.
        pub offset: u32,
    }

    /// A part of what is in a folder, by name.
    #[derive(Eq)]
    pub struct Folder {
        /// How many rows there are in all.
        pub total: u32,
        /// At most 1,000 of them.
        pub files: Vec<FileRow>,
    }

    /// One name in a folder after a layer.
    #[derive(Eq)]
    pub struct FileRow {
        /// Its name.
        pub name: String,
        /// What it is.
        pub kind: FileKind,
        /// What the layer did to it.
        pub change: FileChange,
        /// The layer that what is shown is of.
        pub layer: u32,
        /// Permission bits.
        pub mode: u32,
        /// Owner, as the container sees it.
        pub uid: u32,
        /// Group, as the container sees it.
        pub gid: u32,
        /// Its bytes, or those of all files in it.
        pub size_bytes: u64,
        /// Seconds since 1970.
        pub modified_sec: i64,
        /// Files in it.
        pub files: u32,
        /// Names in it that the layer changed, it included.
        pub changes: u32,
        /// Where a symbolic link leads.
        pub target: Option<String>,
        /// One of several names of a file.
        pub linked: bool,
        /// What was there before, if it is modified.
        pub before: Option<FileBefore>,
    }

    /// What a modified name was.
    #[derive(Copy, Eq)]
    pub struct FileBefore {
        /// In which layer.
        pub layer: u32,
        /// Permission bits.
        pub mode: u32,
        /// Owner.
        pub uid: u32,
        /// Group.
        pub gid: u32,
        /// Bytes.
        pub size_bytes: u64,
        /// Seconds since 1970.
        pub modified_sec: i64,
    }

    /// What a name stands for.
    #[derive(Copy, Eq)]
    pub enum FileKind {
        /// A regular file.
        File,
        /// A directory.
        Directory,
        /// A symbolic link.
        Symlink,
        /// A character or block device.
        Device,
        /// A named pipe.
        Fifo,
        /// A unix socket.
        Socket,
    }

    /// What a layer did to a name.
    #[derive(Copy, Eq)]
    pub enum FileChange {
        /// Nothing.
        Same,
        /// It was not there before.
        Added,
        /// Other content or attributes.
        Modified,
        /// It is there no more.
        Deleted,
    }

    /// Asks for names in all layers.
    #[derive(Eq)]
    pub struct FileSearch {
        /// Whose.
        pub of: FilesOf,
        /// A part of the name; of the path if there is a slash in it.
        pub text: String,
    }

    /// What a search found.
    #[derive(Eq)]
    pub struct FoundFiles {
        /// How many names fit.
        pub total: u32,
        /// The first 500 of them.
        pub files: Vec<FoundFile>,
    }

    /// A name that fits.
    #[derive(Eq)]
    pub struct FoundFile {
        /// Its path.
        pub path: String,
        /// What it is in the topmost layer that has it.
        pub kind: FileKind,
        /// Its bytes there.
        pub size_bytes: u64,
        /// The layers that have it or remove it, bottom first.
        pub layers: Vec<u32>,
        /// Whether it is to be seen at the end.
        pub visible: bool,
    }

    /// Asks for the beginning of a file as one layer has it.
    #[derive(Eq)]
    pub struct ReadFile {
        /// Whose.
        pub of: FilesOf,
        /// The layer that has it.
        pub layer: u32,
        /// Its path.
        pub path: String,
    }

    /// The beginning of a file.
    #[derive(Eq)]
    pub struct FileContent {
        /// The size of the whole file.
        pub size_bytes: u64,
        /// How many of its bytes are shown.
        pub shown_bytes: u64,
        /// The text, or lines of bytes and what they spell.
        pub text: String,
        /// Whether it is text.
        pub is_text: bool,
    }

    /// Copies a file out of a layer.
    #[derive(Eq)]
    pub struct SaveFile {
        /// Whose.
        pub of: FilesOf,
        /// The layer that has it.
        pub layer: u32,
        /// Its path.
        pub path: String,
        /// A file of this machine that does not exist yet, an absolute path.
        pub to: String,
    }

    /// A file that was copied out.
    #[derive(Eq)]
    pub struct SavedFile {
        /// Where it is.
        pub path: String,
        /// Its size.
        pub size_bytes: u64,
    }

    /// Asks how two images differ.
    #[derive(Eq)]
    pub struct CompareImages {
        /// Reference, id or prefix.
        pub left: String,
        /// Reference, id or prefix.
        pub right: String,
    }

    /// How two images differ.
    #[derive(Eq)]
    pub struct ImageComparison {
        /// Layers that both begin with.
        pub shared_layers: u32,
        /// Names only the left one has.
        pub removed: u32,
        /// Names only the right one has.
        pub added: u32,
        /// Names that differ.
        pub modified: u32,
        /// The first 500 of them, by path.
        pub files: Vec<FileDifference>,
    }

    /// One name that differs.
    #[derive(Eq)]
    pub struct FileDifference {
        /// Its path.
        pub path: String,
        /// From left to right.
        pub change: FileChange,
        /// Bytes on the left.
        pub left_bytes: Option<u64>,
        /// Bytes on the right.
        pub right_bytes: Option<u64>,
    }
}
