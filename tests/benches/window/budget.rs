//! A promise and a figure.

/// What was promised, and what was measured.
#[derive(Debug)]
pub(crate) struct Budget {
    what: String,
    limit: Option<f64>,
    measured: f64,
    unit: &'static str,
}

impl Budget {
    /// A figure that may be no more than the limit.
    pub(crate) fn at_most(
        limit: f64,
        unit: &'static str,
        what: impl Into<String>,
        measured: f64,
    ) -> Self {
        Self {
            what: what.into(),
            limit: Some(limit),
            measured,
            unit,
        }
    }

    /// A figure without a promise, which explains others.
    pub(crate) fn figure(unit: &'static str, what: impl Into<String>, measured: f64) -> Self {
        Self {
            what: what.into(),
            limit: None,
            measured,
            unit,
        }
    }

    /// Prints its line of the table.
    pub(crate) fn print(&self) {
        let unit = self.unit;
        let (limit, verdict) = match self.limit {
            Some(limit) if self.measured <= limit => (format!("≤ {limit} {unit}"), "ok"),
            Some(limit) => (format!("≤ {limit} {unit}"), "EXCEEDED"),
            None => (String::new(), ""),
        };
        let measured = format!("{:.1} {unit}", self.measured);
        println!(
            "| {:<52} | {limit:>14} | {measured:>14} | {verdict:<8} |",
            self.what
        );
    }
}

/// Prints the head of the table.
pub(crate) fn print_head() {
    println!(
        "| {:<52} | {:>14} | {:>14} | {:<8} |",
        "window: medians", "budget", "measured", "verdict"
    );
    println!("|{0:-<54}|{1:->15}:|{1:->15}:|{2:-<10}|", "", "", "");
}

/// The middle of some samples.
///
/// # Panics
/// Without any.
pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    assert!(!samples.is_empty(), "there is no sample");
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
