//! Container logs.

wire! {
    /// Which log lines.
    #[derive(Eq)]
    pub struct LogQuery {
        /// Container id or name.
        pub container: String,
        /// Go on with new lines until the container stops.
        pub follow: bool,
        /// Only the last so many lines.
        pub tail: Option<u64>,
        /// Not before this time, in nanoseconds since the Unix epoch.
        pub since_ns: Option<u64>,
        /// Not after this time, in nanoseconds since the Unix epoch.
        pub until_ns: Option<u64>,
        /// With standard output.
        pub stdout: bool,
        /// With standard error.
        pub stderr: bool,
    }

    /// Lines in order. Sent when many have gathered or a frame has passed.
    #[derive(Eq)]
    pub struct LogBatch {
        /// The lines.
        pub lines: Vec<LogLine>,
        /// Nothing follows.
        pub ended: bool,
    }

    /// What a log holds: sent at once, and again when it has changed.
    ///
    /// Lines have numbers, so that any of a million is shown without those before it.
    #[derive(Eq)]
    pub struct LogExtent {
        /// Numbers of two editions have nothing to do with each other.
        pub edition: u32,
        /// The number of the first line that is still kept; grows when a file is rotated away.
        pub first: u64,
        /// The number after the last line.
        pub end: u64,
        /// The lines before `end`, as many of them as are new and fit in a message.
        pub last: Vec<LogLine>,
        /// Nothing follows.
        pub ended: bool,
    }

    /// Lines by their numbers.
    #[derive(Eq)]
    pub struct LogRange {
        /// Container id or name.
        pub container: String,
        /// The number of the first line.
        pub from: u64,
        /// How many lines; the answer has fewer where the log ends, and at most a thousand.
        pub count: u64,
    }

    /// The lines of a [`LogRange`].
    #[derive(Eq)]
    pub struct LogSlice {
        /// The edition that the numbers belong to.
        pub edition: u32,
        /// The number of the first line.
        pub from: u64,
        /// The lines.
        pub lines: Vec<LogLine>,
    }

    /// Which lines are looked for.
    #[derive(Eq)]
    pub struct FindInLog {
        /// Container id or name.
        pub container: String,
        /// What a line must contain, in any case; empty for every line.
        pub text: String,
        /// In standard output.
        pub stdout: bool,
        /// In standard error.
        pub stderr: bool,
        /// The number of the first line that is looked at.
        pub from: u64,
    }

    /// The lines that were found.
    #[derive(Eq)]
    pub struct FoundInLog {
        /// The edition that the numbers belong to.
        pub edition: u32,
        /// Their numbers, in order.
        pub lines: Vec<u64>,
        /// The number after the last line that was looked at.
        pub end: u64,
        /// The answer is full: the rest was not looked at.
        pub more: bool,
    }

    /// One line, or one part of a line longer than 16 KiB.
    #[derive(Eq)]
    pub struct LogLine {
        /// When the container wrote it, in milliseconds since the Unix epoch.
        pub at_ms: u64,
        /// The nanoseconds within that millisecond.
        pub at_subms_ns: u32,
        /// Where it wrote it.
        pub stream: LogStream,
        /// The text, with its line feed if it had one.
        pub text: String,
    }

    /// The stream of a [`LogLine`].
    #[derive(Copy, Eq)]
    pub enum LogStream {
        /// Standard output, and everything of a terminal.
        Stdout,
        /// Standard error.
        Stderr,
    }
}
