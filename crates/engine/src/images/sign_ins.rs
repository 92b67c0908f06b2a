//! The sign-ins that this engine keeps: a file of Docker's form that only this user can read.
//!
//! It is not encrypted, like Docker's own without a helper. The registry client reads it before
//! the files of other tools.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Map, Value, json};
use terrarium_api::Credentials;

use crate::{
    Result,
    error::{Context as _, quoted},
    files,
};

/// The user name by which Docker's clients mark a token that is exchanged for others.
pub(super) const TOKEN: &str = "<token>";

/// The file.
#[derive(Debug)]
pub(super) struct SignIns {
    path: PathBuf,
    /// Reading, changing and writing are one step.
    changing: Mutex<()>,
}

impl SignIns {
    /// The file of a data root, which need not be there.
    pub(super) fn below(data_root: &Path) -> Self {
        Self {
            path: data_root.join("sign-ins.json"),
            changing: Mutex::default(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps `credentials` for the registry `host`.
    pub(super) fn keep(&self, host: &str, credentials: &Credentials) -> Result<()> {
        let Credentials { username, password } = credentials;
        let entry = match username.as_str() {
            TOKEN => json!({ "identitytoken": password }),
            _ => json!({ "auth": BASE64_STANDARD.encode(format!("{username}:{password}")) }),
        };
        let change = |auths: &mut Map<String, Value>| auths.insert(host.to_owned(), entry);
        self.change(change).map(drop)
    }

    /// Forgets what is kept for the registry `host`; says whether there was anything.
    pub(super) fn forget(&self, host: &str) -> Result<bool> {
        let forgotten = self.change(|auths| auths.remove(host))?;
        Ok(forgotten.is_some())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Map<String, Value>) -> T) -> Result<T> {
        // It guards no data of its own, only an order.
        let _order = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => b"{}".to_vec(),
            read => read.context(|| self.failed("read"))?,
        };
        let mut file: Map<String, Value> =
            serde_json::from_slice(&text).context(|| self.failed("understand"))?;
        let auths = file.entry("auths").or_insert_with(|| json!({}));
        if !auths.is_object() {
            *auths = json!({});
        }
        let changed = change(auths.as_object_mut().expect("it was just made one"));
        let text = serde_json::to_vec_pretty(&file).context(|| self.failed("write"))?;
        files::write_secret(&self.path, &text).context(|| self.failed("write"))?;
        Ok(changed)
    }

    fn failed(&self, verb: &str) -> String {
        format!("{verb} {}", quoted(&self.path.to_string_lossy()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn read(path: &Path) -> Value {
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    fn credentials(username: &str, password: &str) -> Credentials {
        Credentials {
            username: username.into(),
            password: password.into(),
        }
    }

    #[test]
    fn sign_ins_are_kept_in_dockers_form_and_only_for_this_user() {
        let folder = tempfile::tempdir().unwrap();
        let kept = SignIns::below(folder.path());
        // What a crash left must not decide who can read the next one.
        fs::write(folder.path().join("sign-ins.json.new"), "{}").unwrap();
        kept.keep("r.example:5000", &credentials("ada", "se:cret"))
            .unwrap();
        kept.keep("ghcr.io", &credentials(TOKEN, "t")).unwrap();
        let expect = json!({ "auths": {
            "r.example:5000": { "auth": "YWRhOnNlOmNyZXQ=" },
            "ghcr.io": { "identitytoken": "t" },
        }});
        assert_eq!(read(kept.path()), expect);
        let mode = fs::metadata(kept.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        assert!(kept.forget("ghcr.io").unwrap());
        assert!(!kept.forget("ghcr.io").unwrap());
        assert!(read(kept.path())["auths"].get("ghcr.io").is_none());
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let kept = SignIns::below(folder.path());
        fs::write(kept.path(), "{").unwrap();
        assert!(kept.keep("r.example", &credentials("a", "b")).is_err());
        assert_eq!(fs::read(kept.path()).unwrap(), b"{");
    }
}
