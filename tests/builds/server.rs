//! A web server on loopback that gives out a folder.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use anyhow::Result;

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    address: String,
    /// `GET /path 200`, one line a request.
    seen: Arc<Mutex<Vec<String>>>,
    ends: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server = Self {
            address: listener.local_addr()?.to_string(),
            seen: Arc::default(),
            ends: Arc::default(),
        };
        let (seen, ends, folder) = (
            Arc::clone(&server.seen),
            Arc::clone(&server.ends),
            folder.to_owned(),
        );
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let (seen, folder) = (Arc::clone(&seen), folder.clone());
                thread::spawn(move || answer(stream, &folder, &seen));
            }
        });
        Ok(server)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// What was asked for since the last time.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().expect("nobody panics with it"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(&self.address);
    }
}

fn answer(mut stream: TcpStream, folder: &Path, seen: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let request = lines.next()?.ok()?;
    let mut known = String::new();
    for line in lines.by_ref().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        if let Some(tag) = line.to_ascii_lowercase().strip_prefix("if-none-match: ") {
            tag.clone_into(&mut known);
        }
    }
    let path = request.split(' ').nth(1)?.split('?').next()?.to_owned();
    let file: PathBuf = folder.join(path.trim_start_matches('/'));
    let (code, body) = match fs::read(&file) {
        Ok(_) if path.contains("never-ending") => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nx");
            // Until the client has had enough.
            let _ = std::io::copy(&mut stream.try_clone().ok()?, &mut std::io::sink());
            return None;
        }
        Ok(body) => (200, body),
        Err(_) => (404, Vec::new()),
    };
    let sum = body
        .iter()
        .fold(7_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(*byte));
    let tag = format!("\"{sum:x}\"");
    let (code, body) = if code == 200 && known == tag {
        (304, Vec::new())
    } else {
        (code, body)
    };
    seen.lock()
        .expect("nobody panics with it")
        .push(format!("{path} {code}"));
    let head = format!(
        "HTTP/1.1 {code} X\r\nETag: {tag}\r\nLast-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}
