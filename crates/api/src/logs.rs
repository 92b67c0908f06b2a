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
