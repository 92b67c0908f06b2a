//! Proposals for a Dockerfile: what would make its image smaller and its builds faster, and by how much.

wire! {
    /// What could be better about a text.
    #[derive(Eq)]
    pub struct Coaching {
        /// In the order of the file.
        pub proposals: Vec<Proposal>,
    }

    /// A change that is proposed. Nothing has been changed.
    #[derive(Eq)]
    pub struct Proposal {
        /// What kind.
        pub kind: ProposalKind,
        /// The instruction that it is about.
        pub node: u32,
        /// What its text names: files, a folder, a tool.
        pub names: Vec<String>,
        /// The whole Dockerfile with the change; none where `.dockerignore` is changed.
        pub text: Option<String>,
        /// Lines that `.dockerignore` gets.
        pub leave_out: Vec<String>,
        /// What it costs as things stand.
        pub cost: Cost,
    }

    /// The kinds of proposals.
    #[derive(Copy, Eq, Hash)]
    pub enum ProposalKind {
        /// Dependencies are installed before all files are copied, so that an edited file does not install them again.
        InstallFirst,
        /// What a tool downloads lasts from build to build and is in no layer.
        CacheMount,
        /// A step leaves files behind that nobody needs in the image.
        CleanUp,
        /// Folders of the build that an image should not take.
        LeaveOut,
    }

    /// What is known without a build; nothing where nobody has measured it.
    #[derive(Default, Eq)]
    pub struct Cost {
        /// How long the step took when it ran last.
        pub usec: Option<u64>,
        /// Bytes that are too many, in the layer that it made last or in the folder of the build.
        pub bytes: Option<u64>,
        /// How many files these are.
        pub files: Option<u32>,
    }

    /// Asks for a proposal to be measured: both texts are built, and built again as its kind has it.
    #[derive(Eq)]
    pub struct MeasureProposal {
        /// The project.
        pub project: String,
        /// The text as it is.
        pub before: String,
        /// The text as it is proposed.
        pub after: String,
        /// What is to become better.
        pub kind: ProposalKind,
    }

    /// What was measured.
    #[derive(Eq)]
    pub struct Measured {
        /// As it is.
        pub before: Measurement,
        /// As it is proposed.
        pub after: Measurement,
    }

    /// One text, measured.
    #[derive(Eq)]
    pub struct Measurement {
        /// Bytes of the image's layers.
        pub image_bytes: u64,
        /// How long the build took when it was built again: with another file, or with every step anew.
        pub again_usec: Option<u64>,
    }

    /// Leaves files out of the builds of a project.
    #[derive(Eq)]
    pub struct LeaveOut {
        /// The project.
        pub project: String,
        /// Lines for `.dockerignore`.
        pub lines: Vec<String>,
    }
}
