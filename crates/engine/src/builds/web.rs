//! Files that `ADD` takes from the web: `builds/fetched/KEY.{json,data}`.
//!
//! A server is asked each time whether its file is still the one that is kept, so that a build never uses an old one
//! and a file that did not change is not sent again.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use reqwest::{
    Client, Response, StatusCode,
    header::{
        CONTENT_DISPOSITION, ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH,
        LAST_MODIFIED,
    },
};
use serde::{Deserialize, Serialize};
use terrarium_api::{Error, ErrorCode};
use terrarium_builder::{Content, Fetched};
use terrarium_oci::{Algorithm, Digest, Hasher};

use super::executor::Worker;
use crate::{Result, blocking::blocking, files::random_hex};

const CONNECT: Duration = Duration::from_secs(10);
/// How long nothing may come.
const IDLE: Duration = Duration::from_secs(30);
/// A larger file is a stream that does not end.
const MAX_BYTES: u64 = 16 << 30;

/// What is known of a file that was fetched.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    url: String,
    etag: Option<String>,
    last_modified: Option<String>,
    name: Option<String>,
    sha256: String,
    size_bytes: u64,
}

impl Worker {
    /// The folder of all that was fetched.
    fn fetched(&self) -> PathBuf {
        self.engine
            .config()
            .data_root
            .join("builds")
            .join("fetched")
    }

    pub(super) async fn fetch_file(&self, url: &str) -> Result<Fetched> {
        let key = Digest::sha256_of(url.as_bytes()).hex().to_owned();
        // Two builds that want the same file fetch it once.
        let _alone = self
            .engine
            .inner
            .build_locks
            .enter(&format!("fetch {key}"))
            .await;
        let (record, data) = (
            self.fetched().join(format!("{key}.json")),
            self.fetched().join(format!("{key}.data")),
        );
        let kept = self.kept(record.clone(), data.clone(), url).await;
        let mut response = ask(url, kept.as_ref()).await?;
        let kept = match kept {
            Some(kept) if response.status() == StatusCode::NOT_MODIFIED => kept,
            _ => {
                let aside = self.fetched().join(format!("{key}.{}", random_hex(8)));
                let guard = Aside(aside.clone());
                let received = receive(url, &mut response, &guard).await?;
                blocking(move || {
                    publish(&received, &aside, &record, &data)
                        .map_err(|error| failed("keep", &received.url, &error))?;
                    drop(guard);
                    Ok(received)
                })
                .await?
            }
        };
        let data = self.fetched().join(format!("{key}.data"));
        let file = File::open(data).map_err(|error| failed("read", url, &error))?;
        Ok(Fetched::File {
            content: Content::Part {
                file: Arc::new(file),
                offset: 0,
                len: kept.size_bytes,
            },
            modified: seconds(kept.last_modified.as_deref()),
            name: kept.name,
            sha256: kept.sha256,
        })
    }

    async fn kept(&self, record: PathBuf, data: PathBuf, url: &str) -> Option<Kept> {
        let (url, folder) = (url.to_owned(), self.fetched());
        let read = blocking(move || {
            let failed = |error: std::io::Error| failed("keep", &url, &error);
            fs::create_dir_all(folder).map_err(failed)?;
            let kept: Option<Kept> = fs::read(record)
                .ok()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok());
            let size = fs::metadata(data).map(|data| data.len()).ok();
            Ok(kept.filter(|kept| kept.url == url && size == Some(kept.size_bytes)))
        });
        read.await.ok().flatten()
    }
}

/// A file that is not yet what it is to be, and goes if it does not become so.
struct Aside(PathBuf);

impl Drop for Aside {
    fn drop(&mut self) {
        // After a rename there is none.
        let _ = fs::remove_file(&self.0);
    }
}

fn publish(kept: &Kept, aside: &PathBuf, record: &PathBuf, data: &PathBuf) -> std::io::Result<()> {
    // Without its record the data is not used, so an interruption costs a download.
    let _ = fs::remove_file(record);
    fs::rename(aside, data)?;
    let bytes = serde_json::to_vec(kept)?;
    let new = record.with_extension("new");
    fs::write(&new, bytes)?;
    fs::rename(new, record)
}

fn client() -> Result<Client> {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client.clone());
    }
    terrarium_registry::provide_tls();
    let built = Client::builder()
        .user_agent(concat!("terrarium/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .read_timeout(IDLE)
        .build();
    let client = built.map_err(|error| {
        Error::new(ErrorCode::Internal, "get ready for the web").because(&error)
    })?;
    Ok(CLIENT.get_or_init(|| client).clone())
}

async fn ask(url: &str, kept: Option<&Kept>) -> Result<Response> {
    let mut request = client()?.get(url);
    if let Some(kept) = kept {
        let conditions = [
            (IF_NONE_MATCH, &kept.etag),
            (IF_MODIFIED_SINCE, &kept.last_modified),
        ];
        for (name, value) in conditions {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
    }
    let response = request
        .send()
        .await
        .map_err(|error| unreachable_at(url, error))?;
    let status = response.status();
    let expected = status == StatusCode::NOT_MODIFIED && kept.is_some();
    if !status.is_success() && !expected {
        let text = format!("fetch {}: the server answered {status}", shown(url));
        return Err(Error::new(ErrorCode::InvalidArgument, text)
            .hint("open the address in a browser to see whether it is right"));
    }
    Ok(response)
}

async fn receive(url: &str, response: &mut Response, aside: &Aside) -> Result<Kept> {
    let failed = |error: std::io::Error| failed("keep", url, &error);
    let mut file = File::create_new(&aside.0).map_err(failed)?;
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut size_bytes = 0;
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| unreachable_at(url, error))?
    {
        size_bytes += piece.len() as u64;
        if size_bytes > MAX_BYTES {
            let text = format!("fetch {}: it does not end", shown(url));
            return Err(Error::new(ErrorCode::InvalidArgument, text));
        }
        hasher.update(&piece);
        // A page cache takes it; only a full disk makes this wait.
        file.write_all(&piece).map_err(failed)?;
    }
    let headers = response.headers();
    Ok(Kept {
        url: url.to_owned(),
        etag: text(headers, ETAG),
        last_modified: text(headers, LAST_MODIFIED),
        name: text(headers, CONTENT_DISPOSITION)
            .as_deref()
            .and_then(file_name),
        sha256: hasher.finish().hex().to_owned(),
        size_bytes,
    })
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The name in `attachment; filename="x"`. A server does not get to choose a folder.
fn file_name(disposition: &str) -> Option<String> {
    let fields = disposition.split(';').map(str::trim);
    let name = fields
        .filter_map(|field| field.strip_prefix("filename="))
        .next()?
        .trim_matches('"');
    let plain = !name.is_empty()
        && name != "."
        && name != ".."
        && !name.contains(['/', '\\', '\0'])
        && !name.chars().any(char::is_control);
    plain.then(|| name.to_owned())
}

fn seconds(date: Option<&str>) -> u64 {
    let time = date.and_then(|date| httpdate::parse_http_date(date).ok());
    time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_secs())
}

fn unreachable_at(url: &str, error: reqwest::Error) -> Error {
    // The text of reqwest repeats the address, with all that it may hold.
    let error = error.without_url();
    Error::new(ErrorCode::InvalidArgument, format!("fetch {}", shown(url))).because(&error)
}

fn failed(what: &str, url: &str, error: &std::io::Error) -> Error {
    Error::new(ErrorCode::Internal, format!("{what} {}", shown(url))).because(error)
}

/// An address without what may be a password.
pub(super) fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or(host);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let text = match scheme {
        "" => format!("{host}/{path}"),
        scheme => format!("{scheme}://{host}/{path}"),
    };
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_names_a_file_and_no_folder() {
        for (disposition, name) in [
            ("attachment; filename=\"a b.txt\"", Some("a b.txt")),
            ("attachment;filename=x", Some("x")),
            ("inline", None),
            ("attachment; filename=\"../x\"", None),
            ("attachment; filename=\"..\"", None),
            ("attachment; filename=\"\"", None),
        ] {
            assert_eq!(file_name(disposition).as_deref(), name, "{disposition}");
        }
    }

    #[test]
    fn passwords_in_addresses_are_not_shown() {
        assert_eq!(shown("https://me:pw@h/a?token=x#y"), "https://h/a");
        assert_eq!(seconds(Some("Thu, 01 Jan 1970 00:00:07 GMT")), 7);
        assert_eq!(seconds(Some("yesterday")), 0);
    }
}
