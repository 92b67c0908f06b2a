//! Whether the program in a container is well.

wire! {
    /// How that is found out. Times of 0, and an empty test, mean what the image says.
    #[derive(Default, Eq)]
    #[serde(default)]
    pub struct HealthCheck {
        /// `["NONE"]`, `["CMD", program, …]` or `["CMD-SHELL", text]`.
        pub test: Vec<String>,
        /// Time between two checks; 30 s by default.
        pub interval_ns: u64,
        /// How long one check may take; 30 s by default.
        pub timeout_ns: u64,
        /// How long after the start failures do not count; 0 by default.
        pub start_period_ns: u64,
        /// Time between two checks in that period; 5 s by default.
        pub start_interval_ns: u64,
        /// How many failures in a row make it unhealthy; 3 by default.
        pub retries: u32,
    }

    /// What its checks say.
    #[derive(Copy, Default, Eq, Hash)]
    pub enum HealthStatus {
        /// No check has succeeded yet, and not too many have failed.
        #[default]
        Starting,
        /// The last check succeeded.
        Healthy,
        /// Too many checks failed in a row.
        Unhealthy,
    }

    /// The health of a container's last run.
    #[derive(Default, Eq)]
    pub struct Health {
        /// How it stands.
        pub status: HealthStatus,
        /// Failures since the last success.
        pub failing_streak: u32,
        /// The last checks, oldest first; at most five.
        pub probes: Vec<HealthProbe>,
    }

    /// One check.
    #[derive(Eq)]
    pub struct HealthProbe {
        /// When it began.
        pub started_at_ms: u64,
        /// When it ended.
        pub ended_at_ms: u64,
        /// 0 is well; -1 if it took too long or could not run.
        pub exit_code: i32,
        /// What it wrote, at most 4 KiB.
        pub output: String,
    }
}
