//! More processes in a running container, and terminals on them.

wire! {
    /// A process to run in a running container.
    #[derive(Eq)]
    pub struct ExecRequest {
        /// Container id or name.
        pub container: String,
        /// Program and arguments.
        pub command: Vec<String>,
        /// Additional `NAME=value` entries.
        pub env: Vec<String>,
        /// Where it starts; the container's working directory when absent.
        pub working_dir: Option<String>,
        /// `user[:group]`, by name or number; the container's user when absent.
        pub user: Option<String>,
        /// On a terminal of its own.
        pub terminal: bool,
        /// Standard input is connected.
        pub stdin: bool,
        /// With all capabilities that the engine has.
        pub privileged: bool,
        /// Keys that leave its terminal without ending it; `ctrl-p,ctrl-q` when absent.
        #[serde(default)]
        pub detach_keys: Option<String>,
    }

    /// An exec process.
    #[derive(Eq)]
    pub struct ExecDetail {
        /// Its id.
        pub id: String,
        /// The container's id.
        pub container: String,
        /// What was asked for.
        pub request: ExecRequest,
        /// Process id on the host while it runs.
        pub pid: Option<u32>,
        /// It has started and not yet ended.
        pub running: bool,
        /// How it ended.
        pub exit_code: Option<i32>,
    }

    /// Opens a terminal in a container.
    #[derive(Eq)]
    pub struct OpenTerminal {
        /// Container id or name.
        pub container: String,
        /// A command; the best shell of the image when empty.
        pub command: Vec<String>,
        /// Joins the container's main process instead of a new one.
        pub attach: bool,
        /// Rows at first.
        pub rows: u16,
        /// Columns at first.
        pub cols: u16,
    }

    /// Opens a shell where the command of a build failed: on the layers that it stood on, with its mounts and variables.
    #[derive(Eq)]
    pub struct OpenStepShell {
        /// The build.
        pub build: String,
        /// Rows at first.
        pub rows: u16,
        /// Columns at first.
        pub cols: u16,
    }

    /// What a terminal says.
    #[derive(Eq)]
    #[serde(tag = "type", rename_all_fields = "camelCase")]
    pub enum TerminalEvent {
        /// It is open; input goes to this session.
        Opened {
            /// Session id.
            session: String,
            /// The command that runs.
            command: Vec<String>,
        },
        /// Bytes that the process wrote, in base64.
        Output {
            /// The bytes.
            data: String,
        },
        /// The process ended.
        Exited {
            /// Its exit code; absent when unknown.
            code: Option<i32>,
        },
    }

    /// Bytes typed into a terminal.
    #[derive(Eq)]
    pub struct TerminalInput {
        /// Session id.
        pub session: String,
        /// The text as UTF-8.
        pub data: String,
    }

    /// A terminal's new size.
    #[derive(Eq)]
    pub struct TerminalSize {
        /// Session id.
        pub session: String,
        /// Rows.
        pub rows: u16,
        /// Columns.
        pub cols: u16,
    }

    /// Names a terminal session.
    #[derive(Eq)]
    pub struct TerminalSession {
        /// Session id.
        pub session: String,
    }
}
