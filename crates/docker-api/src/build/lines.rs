//! A build in the lines that Docker's classic builder sends.

use serde_json::{Value, json};
use terrarium_api::Error;
use terrarium_engine::{BuildEvent, Built};

use crate::error::Failure;

/// Turns what happens into lines.
pub(super) struct Lines {
    tags: Vec<String>,
    quiet: bool,
    /// The start of a character whose end has not come yet.
    cut: Vec<u8>,
}

impl Lines {
    pub(super) fn new(tags: Vec<String>, quiet: bool) -> Self {
        Self {
            tags,
            quiet,
            cut: Vec::new(),
        }
    }

    pub(super) fn of(&mut self, event: BuildEvent) -> Option<Value> {
        if self.quiet {
            return None;
        }
        let text = match event {
            BuildEvent::Step {
                number,
                total,
                line,
                ..
            } => format!("Step {number}/{total} : {line}\n"),
            BuildEvent::Done { cached, layer, .. } => {
                let used = if cached { " ---> Using cache\n" } else { "" };
                let layer = layer.map(|id| format!(" ---> {}\n", short(&id)));
                format!("{used}{}", layer.unwrap_or_default())
            }
            BuildEvent::Failed { .. } | BuildEvent::Delivering(_) | BuildEvent::Delivered => {
                return None;
            }
            BuildEvent::Output { bytes, .. } => self.text(&bytes),
        };
        if text.is_empty() {
            return None;
        }
        Some(json!({ "stream": text }))
    }

    /// Output is cut anywhere, also inside a character, which JSON cannot hold.
    fn text(&mut self, bytes: &[u8]) -> String {
        self.cut.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.cut) {
            Ok(_) => self.cut.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.cut.len(),
        };
        let rest = self.cut.split_off(whole);
        let text = String::from_utf8_lossy(&self.cut).into_owned();
        self.cut = rest;
        text
    }

    pub(super) fn end(&mut self, built: Result<Built, Error>) -> Vec<Value> {
        let image = match built {
            Ok(image) => image,
            Err(error) => {
                let Failure { message, .. } = error.into();
                return vec![json!({ "errorDetail": { "message": message }, "error": message })];
            }
        };
        let mut lines = vec![json!({ "aux": { "ID": image.id } })];
        if self.quiet {
            lines.push(json!({ "stream": format!("{}\n", image.id) }));
            return lines;
        }
        lines.push(json!({ "stream": format!("Successfully built {}\n", short(&image.id)) }));
        for tag in &self.tags {
            let name =
                terrarium_oci::Reference::dissect(tag).map(|found| found.reference.familiar());
            let name = name.unwrap_or_else(|_| tag.clone());
            lines.push(json!({ "stream": format!("Successfully tagged {name}\n") }));
        }
        lines
    }
}

fn short(id: &str) -> &str {
    let hex = id.split_once(':').map_or(id, |(_, hex)| hex);
    hex.get(..12).unwrap_or(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_is_cut_arrives_whole() {
        let mut lines = Lines::new(Vec::new(), false);
        let bytes = "안".as_bytes();
        let output = |bytes: &[u8]| BuildEvent::Output {
            number: 1,
            bytes: bytes.to_vec(),
        };
        assert_eq!(lines.of(output(&bytes[..2])), None);
        let second = lines.of(output(&bytes[2..])).unwrap();
        assert_eq!(second["stream"], "안");
        let odd = lines.of(output(&[0xff, b'x'])).unwrap();
        assert_eq!(odd["stream"], "\u{fffd}x");
    }

    #[test]
    fn steps_look_as_docker_shows_them() {
        let mut lines = Lines::new(Vec::new(), false);
        let step = BuildEvent::Step {
            number: 2,
            total: 7,
            line: "RUN x".to_owned(),
            place: None,
        };
        assert_eq!(lines.of(step).unwrap()["stream"], "Step 2/7 : RUN x\n");
        let done = BuildEvent::Done {
            number: 2,
            cached: true,
            layer: Some("sha256:0123456789abcdef".to_owned()),
        };
        let expect = " ---> Using cache\n ---> 0123456789ab\n";
        assert_eq!(lines.of(done).unwrap()["stream"], expect);
    }
}
