//! Builds: how they go on, what is kept of them, and what the next one would do.
//!
//! Instructions are counted from 0 over all of the Dockerfile and called nodes.

use crate::{BuildSettings, Error, FileChange};

wire! {
    /// Names a build.
    #[derive(Eq)]
    pub struct BuildId {
        /// Its id.
        pub build: String,
    }

    /// A build in a list.
    pub struct BuildSummary {
        /// Its id.
        pub id: String,
        /// The project that was built; none for builds of other clients.
        pub project: Option<String>,
        /// The name of the image, or of the Dockerfile where it has none.
        pub subject: String,
        /// How it stands.
        pub state: BuildState,
        /// When it began.
        pub started_at_ms: u64,
        /// When it ended.
        pub finished_at_ms: Option<u64>,
        /// Steps that the target needs, as far as they are known.
        pub steps: u32,
        /// Of these, done.
        pub done: u32,
        /// Of these, taken from the cache.
        pub cached: u32,
        /// The id of the image.
        pub image: Option<String>,
        /// The folder or the file that the result became instead.
        #[serde(default)]
        pub place: Option<String>,
        /// Bytes of the image.
        pub size_bytes: Option<u64>,
        /// Why it failed.
        pub error: Option<Error>,
        /// The running activity, to cancel it.
        pub activity: Option<String>,
    }

    /// How a build stands.
    #[derive(Copy, Eq)]
    pub enum BuildState {
        /// Under way.
        Running,
        /// There is a result.
        Succeeded,
        /// An instruction failed.
        Failed,
        /// Stopped by the user, or by the end of its host.
        Canceled,
    }

    /// Everything that is kept of a build, its output apart.
    pub struct BuildRecord {
        /// As in lists.
        pub summary: BuildSummary,
        /// The text that was built.
        pub dockerfile: String,
        /// How.
        pub settings: BuildSettings,
        /// One for each instruction, in the order of the file.
        pub steps: Vec<BuildStep>,
    }

    /// What a build did with an instruction.
    #[derive(Eq)]
    pub struct BuildStep {
        /// The instruction.
        pub node: u32,
        /// The stage that it stands in; none before the first `FROM`.
        pub stage: Option<u32>,
        /// As it is written, in one line.
        pub line: String,
        /// Its first line in the file, from 1.
        pub first_line: u32,
        /// Its last line.
        pub last_line: u32,
        /// How it stands.
        pub state: StepState,
        /// From the start of the build to its start.
        pub start_usec: Option<u64>,
        /// How long it took.
        pub usec: Option<u64>,
        /// By what the cache knows it.
        pub key: Option<String>,
        /// The layer that it made.
        pub layer: Option<BuiltLayer>,
        /// The code that its command ended with.
        pub exit_code: Option<i32>,
        /// The command that failed: program and arguments.
        pub command: Option<Vec<String>>,
    }

    /// How a step stands.
    #[derive(Copy, Eq)]
    pub enum StepState {
        /// Nobody has come to it.
        Waiting,
        /// Under way.
        Running,
        /// A build before had done it.
        Cached,
        /// Done.
        Done,
        /// It failed, and the build with it.
        Failed,
        /// The build ended while it was under way.
        Canceled,
    }

    /// A layer that a step made.
    #[derive(Eq)]
    pub struct BuiltLayer {
        /// It and what lies below.
        pub chain_id: String,
        /// Its blob.
        pub digest: String,
        /// Bytes of its blob.
        pub size_bytes: u64,
    }

    /// A line of output.
    #[derive(Eq)]
    pub struct BuildLine {
        /// The instruction that wrote it.
        pub node: u32,
        /// From the start of the build.
        pub at_usec: u64,
        /// Without its end; bytes that are no text are replaced.
        pub text: String,
    }

    /// News of a build. The first message tells everything that is known.
    pub struct BuildProgress {
        /// The build.
        pub summary: BuildSummary,
        /// Steps that changed since the last message.
        pub steps: Vec<BuildStep>,
        /// Lines since the last message.
        pub lines: Vec<BuildLine>,
        /// How many lines were left out because nobody could read that fast.
        pub skipped_lines: u32,
    }

    /// The output of a build.
    #[derive(Eq)]
    pub struct BuildOutput {
        /// The latest lines, at most 20,000.
        pub lines: Vec<BuildLine>,
        /// How many there were before them.
        pub skipped_lines: u32,
    }

    /// Asks for builds, newest first.
    #[derive(Eq)]
    pub struct BuildsQuery {
        /// Only those of a project.
        pub project: Option<String>,
    }

    /// Asks what a build of this text would do.
    #[derive(Eq)]
    pub struct ForecastQuery {
        /// The project.
        pub project: String,
        /// The text, which need not be on disk.
        pub text: String,
    }

    /// What a build would do. Nothing has been run to know it.
    pub struct Forecast {
        /// One for each instruction.
        pub steps: Vec<StepForecast>,
        /// What would fail, known before anything runs.
        pub problem: Option<Error>,
        /// At which instruction.
        pub problem_node: Option<u32>,
        /// Bases that have to be pulled first.
        pub missing_images: Vec<String>,
        /// Sum of what steps that run took last time.
        pub expected_usec: u64,
        /// How many of these never ran, so that nobody knows.
        pub unknown: u32,
        /// How long it took to find out.
        pub usec: u64,
    }

    /// What a build would do with an instruction.
    #[derive(Eq)]
    pub struct StepForecast {
        /// The instruction.
        pub node: u32,
        /// What happens.
        pub fate: StepFate,
        /// Why it runs.
        pub reason: Option<StepReason>,
        /// How long it took when it ran last.
        pub last_usec: Option<u64>,
        /// Bytes of the layer that it made last.
        pub last_bytes: Option<u64>,
    }

    /// What would happen to a step.
    #[derive(Copy, Eq)]
    pub enum StepFate {
        /// Its layer is here.
        Cached,
        /// It runs.
        Runs,
        /// It only sets something, in no time.
        Settings,
        /// The target does not need it.
        Unneeded,
        /// It would fail.
        Fails,
        /// It comes after something that would fail.
        Unknown,
    }

    /// Why a step runs.
    #[derive(Eq)]
    #[serde(tag = "kind", rename_all_fields = "camelCase")]
    pub enum StepReason {
        /// It never ran in this project.
        New,
        /// The image is not here and would be pulled.
        Pull,
        /// A step before it runs.
        Below {
            /// Which.
            node: u32,
        },
        /// It takes files from a stage of which a step runs.
        Stage {
            /// The stage.
            name: String,
        },
        /// What it stands on is another one than last time.
        Base,
        /// What is asked for has changed.
        Part {
            /// What: `command`, `user`, `folder`, `env NAME`, ….
            name: String,
            /// Last time.
            before: Option<String>,
            /// Now.
            after: Option<String>,
        },
        /// Files that it takes have changed.
        Files {
            /// How many it takes.
            total: u32,
            /// How many of them are not as they were.
            changed: u32,
            /// The first 20.
            files: Vec<ChangedFile>,
        },
        /// Its layer is gone from the cache.
        Forgotten,
        /// The settings say that everything runs.
        NoCache,
    }

    /// A file that is not as it was.
    #[derive(Eq)]
    pub struct ChangedFile {
        /// Its path in the image.
        pub path: String,
        /// What happened to it.
        pub change: FileChange,
        /// Bytes last time.
        pub before_bytes: Option<u64>,
        /// Bytes now.
        pub after_bytes: Option<u64>,
        /// Where the texts begin to differ.
        pub difference: Option<TextDifference>,
        /// Whether only permissions or the owner differ.
        pub attributes_only: bool,
    }

    /// The first line in which two texts differ.
    #[derive(Eq)]
    pub struct TextDifference {
        /// The line, from 1.
        pub line: u32,
        /// Last time.
        pub before: String,
        /// Now.
        pub after: String,
    }
}
