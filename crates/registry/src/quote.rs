/// Text from outside for an error or a log line: one line, printable, and cut.
pub(crate) fn quote(text: &str) -> String {
    const LIMIT: usize = 200;
    let mut quoted: String = text
        .trim()
        .chars()
        .take(LIMIT)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.trim().chars().nth(LIMIT).is_some() {
        quoted.push('…');
    }
    quoted
}
