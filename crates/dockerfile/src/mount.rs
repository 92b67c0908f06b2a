use crate::error::quoted;
use crate::suggest::nearest;

/// A file or folder that one `RUN` sees and no layer keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What it is.
    pub kind: MountKind,
    /// Where the command sees it; nothing for a secret that only becomes a variable.
    pub target: Option<String>,
    /// The stage, image or context that it comes from.
    pub from: Option<String>,
    /// The path in there.
    pub source: Option<String>,
    /// Whether the command cannot write to it.
    pub read_only: bool,
    /// Its name, for caches, secrets and agents.
    pub id: Option<String>,
    /// Who may use a cache at the same time.
    pub sharing: Sharing,
    /// Its greatest size in bytes, in memory.
    pub size_bytes: Option<u64>,
    /// Whether the build fails without it.
    pub required: bool,
    /// The variable that a secret becomes.
    pub env: Option<String>,
    /// Its mode.
    pub mode: Option<u32>,
    /// Its owner.
    pub uid: Option<u32>,
    /// Its group.
    pub gid: Option<u32>,
}

/// The kinds of mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are the words of the language")]
pub enum MountKind {
    Bind,
    Cache,
    Tmpfs,
    Secret,
    Ssh,
}

/// How several builds use one cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sharing {
    /// At the same time.
    #[default]
    Shared,
    /// Each its own, when the one that is there is in use.
    Private,
    /// One after the other.
    Locked,
}

/// What is wrong with a mount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each text says what the variant means")]
pub enum MountFault {
    #[error("{} is no kind of mount", quoted(word))]
    Kind {
        word: String,
        nearest: Option<&'static str>,
    },
    #[error("a {kind} mount knows no {}", quoted(key))]
    Key {
        kind: &'static str,
        key: String,
        nearest: Option<&'static str>,
    },
    #[error("{} is no value for {key}", quoted(value))]
    Value { key: &'static str, value: String },
    #[error("a {0} mount wants a target")]
    NoTarget(&'static str),
    #[error("a quote is not closed")]
    Quote,
}

impl MountFault {
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Kind {
                nearest: Some(nearest),
                ..
            }
            | Self::Key {
                nearest: Some(nearest),
                ..
            } => Some(format!("did you mean {nearest}?")),
            Self::Kind { .. } => Some("write type=bind, cache, tmpfs, secret or ssh".to_owned()),
            Self::NoTarget(_) => Some("add target=/path".to_owned()),
            _ => None,
        }
    }
}

const KINDS: [(&str, MountKind, &[&str]); 5] = [
    (
        "bind",
        MountKind::Bind,
        &["target", "source", "from", "rw", "ro"],
    ),
    (
        "cache",
        MountKind::Cache,
        &[
            "id", "target", "ro", "rw", "sharing", "from", "source", "mode", "uid", "gid",
        ],
    ),
    ("tmpfs", MountKind::Tmpfs, &["target", "size"]),
    (
        "secret",
        MountKind::Secret,
        &[
            "id", "source", "target", "required", "env", "mode", "uid", "gid",
        ],
    ),
    (
        "ssh",
        MountKind::Ssh,
        &["id", "target", "required", "mode", "uid", "gid"],
    ),
];

impl Mount {
    /// Reads the value of `--mount`, variables already replaced.
    ///
    /// # Errors
    ///
    /// For an unknown kind or key, a value that does not fit, and a missing target.
    pub fn parse(text: &str) -> Result<Self, MountFault> {
        let fields = fields(text)?;
        let word = fields.iter().find(|(key, _)| key == "type");
        let word = word
            .and_then(|(_, value)| value.clone())
            .unwrap_or_else(|| "bind".to_owned());
        let kinds = || KINDS.iter().map(|(name, ..)| *name);
        let Some((name, kind, keys)) = KINDS
            .iter()
            .find(|(name, ..)| name.eq_ignore_ascii_case(&word))
        else {
            let near = nearest(&word, kinds());
            return Err(MountFault::Kind {
                word,
                nearest: near,
            });
        };
        let mut mount = Self::new(*kind);
        for (key, value) in fields {
            let name_of_key = canonical(&key);
            if name_of_key == "type" {
                continue;
            }
            let Some(known) = keys.iter().copied().find(|known| *known == name_of_key) else {
                let near = nearest(&key, keys.iter().copied());
                return Err(MountFault::Key {
                    kind: name,
                    key,
                    nearest: near,
                });
            };
            mount.set(known, value)?;
        }
        mount.complete(name)
    }

    fn new(kind: MountKind) -> Self {
        Self {
            kind,
            target: None,
            from: None,
            source: None,
            read_only: kind == MountKind::Bind,
            id: None,
            sharing: Sharing::Shared,
            size_bytes: None,
            required: false,
            env: None,
            mode: None,
            uid: None,
            gid: None,
        }
    }

    fn set(&mut self, key: &'static str, value: Option<String>) -> Result<(), MountFault> {
        let fault = |value: &Option<String>| MountFault::Value {
            key,
            value: value.clone().unwrap_or_default(),
        };
        match key {
            "rw" => self.read_only = !truth(value.as_deref()).ok_or_else(|| fault(&value))?,
            "ro" => self.read_only = truth(value.as_deref()).ok_or_else(|| fault(&value))?,
            "required" => self.required = truth(value.as_deref()).ok_or_else(|| fault(&value))?,
            "sharing" => self.sharing = sharing(value.as_deref()).ok_or_else(|| fault(&value))?,
            "size" => self.size_bytes = Some(size(value.as_deref()).ok_or_else(|| fault(&value))?),
            "mode" => self.mode = Some(number(value.as_deref(), 8).ok_or_else(|| fault(&value))?),
            "uid" => self.uid = Some(number(value.as_deref(), 10).ok_or_else(|| fault(&value))?),
            "gid" => self.gid = Some(number(value.as_deref(), 10).ok_or_else(|| fault(&value))?),
            _ => {
                let text = value
                    .clone()
                    .filter(|text| !text.is_empty())
                    .ok_or_else(|| fault(&value))?;
                match key {
                    "target" => self.target = Some(text),
                    "source" => self.source = Some(text),
                    "from" => self.from = Some(text),
                    "env" => self.env = Some(text),
                    _ => self.id = Some(text),
                }
            }
        }
        Ok(())
    }

    /// Fills in what follows from the rest.
    fn complete(mut self, name: &'static str) -> Result<Self, MountFault> {
        match self.kind {
            MountKind::Bind | MountKind::Cache | MountKind::Tmpfs if self.target.is_none() => {
                return Err(MountFault::NoTarget(name));
            }
            MountKind::Secret => {
                self.id = self.id.take().or_else(|| self.source.take()).or_else(|| {
                    let name = self
                        .target
                        .as_deref()
                        .and_then(|target| target.rsplit('/').next());
                    name.map(str::to_owned)
                });
                let Some(id) = &self.id else {
                    return Err(MountFault::Value {
                        key: "id",
                        value: String::new(),
                    });
                };
                if self.target.is_none() && self.env.is_none() {
                    self.target = Some(format!("/run/secrets/{id}"));
                }
            }
            _ => {}
        }
        Ok(self)
    }
}

fn canonical(key: &str) -> &str {
    match key {
        "dst" | "destination" => "target",
        "src" => "source",
        "readonly" => "ro",
        "readwrite" => "rw",
        key => key,
    }
}

fn truth(value: Option<&str>) -> Option<bool> {
    match value.map(str::to_ascii_lowercase).as_deref() {
        None | Some("true" | "1" | "t") => Some(true),
        Some("false" | "0" | "f") => Some(false),
        _ => None,
    }
}

fn sharing(value: Option<&str>) -> Option<Sharing> {
    match value? {
        "shared" => Some(Sharing::Shared),
        "private" => Some(Sharing::Private),
        "locked" => Some(Sharing::Locked),
        _ => None,
    }
}

fn number(value: Option<&str>, radix: u32) -> Option<u32> {
    u32::from_str_radix(value?, radix).ok()
}

fn size(value: Option<&str>) -> Option<u64> {
    let value = value?.to_ascii_lowercase();
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match &value[digits.len()..] {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// Fields with commas between them; one that holds a comma is in double quotes.
fn fields(text: &str) -> Result<Vec<(String, Option<String>)>, MountFault> {
    let mut found = vec![String::new()];
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => found.push(String::new()),
            other => found.last_mut().expect("there is always one").push(other),
        }
    }
    if quoted {
        return Err(MountFault::Quote);
    }
    let split = |field: String| match field.split_once('=') {
        Some((key, value)) => (key.to_ascii_lowercase(), Some(value.to_owned())),
        None => (field.to_ascii_lowercase(), None),
    };
    Ok(found
        .into_iter()
        .filter(|field| !field.is_empty())
        .map(split)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_say_what_they_are() {
        let cache = Mount::parse("type=cache,target=/root/.cache,sharing=locked,id=pip").unwrap();
        assert_eq!(
            (cache.kind, cache.sharing),
            (MountKind::Cache, Sharing::Locked)
        );
        let secret = Mount::parse("type=secret,id=token").unwrap();
        assert_eq!(secret.target.as_deref(), Some("/run/secrets/token"));
        let variable = Mount::parse("type=secret,id=token,env=TOKEN").unwrap();
        assert_eq!(variable.target, None);
        let bind = Mount::parse("target=/src,rw").unwrap();
        assert!(!bind.read_only);
        assert_eq!(
            Mount::parse("type=tmpfs,target=/t,size=64m")
                .unwrap()
                .size_bytes,
            Some(64 << 20)
        );
    }

    #[test]
    fn slips_get_a_suggestion() {
        let hint = |text: &str| Mount::parse(text).unwrap_err().hint();
        assert_eq!(
            hint("type=cahce,target=/x").as_deref(),
            Some("did you mean cache?")
        );
        assert_eq!(
            hint("type=cache,traget=/x").as_deref(),
            Some("did you mean target?")
        );
        assert_eq!(hint("type=cache").as_deref(), Some("add target=/path"));
    }
}
