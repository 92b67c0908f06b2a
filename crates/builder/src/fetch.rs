//! What `ADD` takes from addresses.

use terrarium_dockerfile::Address;

use crate::copy::Packer;
use crate::{Content, Entry, Executor, Fault, Fetched, Kind};

impl<E: Executor> Packer<'_, E> {
    pub(crate) async fn address(&mut self, source: &str, address: &Address) -> Result<(), Fault> {
        if self.transfer.keep_git_dir {
            return Err(Fault::Unsupported {
                what: "ADD --keep-git-dir".to_owned(),
            });
        }
        let fetched = self.build.executor.fetch(address).await;
        let Some(fetched) = fetched.map_err(Fault::Executor)? else {
            let name = source.to_owned();
            return Err(Fault::NotYet { name });
        };
        match fetched {
            Fetched::Tree { files, commit } => {
                self.expect(source, |wanted| commit.starts_with(wanted), &commit)?;
                self.folder(&files, "", "").await
            }
            Fetched::File {
                content,
                sha256,
                name,
                modified,
            } => {
                let actual = format!("sha256:{sha256}");
                self.expect(source, |wanted| wanted == actual, &actual)?;
                let named = name.as_deref().or_else(|| Address::file_name(source));
                self.web_file(source, named, content, modified).await
            }
        }
    }

    /// What came is put only if it is what `--checksum` says.
    fn expect(
        &self,
        address: &str,
        fits: impl FnOnce(&str) -> bool,
        actual: &str,
    ) -> Result<(), Fault> {
        match &self.checksum {
            Some(expected) if !fits(&expected.to_ascii_lowercase()) => Err(Fault::Checksum {
                address: address.chars().take(300).collect(),
                expected: expected.clone(),
                actual: actual.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Only its owner reads it, unless `--chmod` says otherwise; it is unpacked only where that is asked for.
    async fn web_file(
        &mut self,
        source: &str,
        name: Option<&str>,
        content: Content,
        modified: u64,
    ) -> Result<(), Fault> {
        let entry = Entry {
            kind: Kind::File(content),
            mode: 0o600,
            uid: 0,
            gid: 0,
            modified,
        };
        if self.transfer.unpack == Some(true) && self.archive(&entry).await? {
            return Ok(());
        }
        let into_folder = self.goes_into_folder().await?;
        if into_folder && name.is_none() {
            return Err(Fault::NoName {
                address: source.chars().take(300).collect(),
            });
        }
        self.file(name.unwrap_or_default(), source, entry, None)
            .await
    }
}
