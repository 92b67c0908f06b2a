//! What is in the starter image.

use std::io;

use tar::{Builder, EntryType, Header};
use terrarium_api::{Error, ErrorCode};

use super::busybox::Busybox;
use crate::Result;

/// Where programs are looked for.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A layer and the instruction that would make it.
pub(super) struct Layer {
    pub(super) instruction: &'static str,
    pub(super) tar: Vec<u8>,
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    www:x:33:33:www:/www:/bin/false\n\
    nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n";

const GROUP: &str = "root:x:0:\nwww:x:33:\nnogroup:x:65534:\n";

const OS_RELEASE: &str = "ID=terrarium-hello\nNAME=\"Terrarium starter image\"\nVERSION_ID=1\n\
    PRETTY_NAME=\"Terrarium starter image 1\"\n";

const HELLO: &str = r#"#!/bin/sh
cat <<END
Hello from inside a container.

  This program is process $$ here; on the host it is another number.
  The host name is $(hostname), and it belongs to this container alone.
  The kernel is $(uname -r): the host's own. A container brings files, not a kernel.
  The files come from four layers that nobody can change, and one on top to write on.

Try next:   sh      a shell in a new container
            httpd -f -p 80 -h /www      a web server with one page
END
"#;

const PAGE: &str = "<!doctype html>\n<meta charset=utf-8>\n<title>Hello</title>\n\
    <h1>Hello from inside a container</h1>\n";

/// The layers, bottom first.
pub(super) fn layers(busybox: &Busybox) -> Result<Vec<Layer>> {
    let made = [
        ("ADD busybox /bin/busybox", base(busybox)),
        ("RUN /bin/busybox --install -s", links(busybox)),
        ("COPY etc /etc", settings(busybox)),
        ("COPY hello /usr/bin/hello, www /www", hello(busybox)),
    ];
    made.into_iter()
        .map(|(instruction, tar)| match tar {
            Ok(tar) => Ok(Layer { instruction, tar }),
            Err(error) => Err(Error::new(ErrorCode::Internal, "write a layer").because(&error)),
        })
        .collect()
}

fn base(busybox: &Busybox) -> io::Result<Vec<u8>> {
    let mut tree = Tree::new(busybox.built_at);
    for folder in [
        "bin", "dev", "etc", "home", "proc", "run", "sbin", "sys", "usr", "usr/bin", "usr/sbin",
        "var",
    ] {
        tree.folder(folder, 0o755)?;
    }
    tree.folder("root", 0o700)?;
    tree.folder("tmp", 0o1777)?;
    tree.file("bin/busybox", 0o755, &busybox.bytes)?;
    tree.finish()
}

fn links(busybox: &Busybox) -> io::Result<Vec<u8>> {
    let mut tree = Tree::new(busybox.built_at);
    for applet in &busybox.applets {
        tree.link(applet, "/bin/busybox")?;
    }
    tree.finish()
}

fn settings(busybox: &Busybox) -> io::Result<Vec<u8>> {
    let mut tree = Tree::new(busybox.built_at);
    tree.file("etc/group", 0o644, GROUP.as_bytes())?;
    tree.file("etc/os-release", 0o644, OS_RELEASE.as_bytes())?;
    tree.file("etc/passwd", 0o644, PASSWD.as_bytes())?;
    tree.file("etc/shells", 0o644, b"/bin/sh\n")?;
    tree.finish()
}

fn hello(busybox: &Busybox) -> io::Result<Vec<u8>> {
    let mut tree = Tree::new(busybox.built_at);
    tree.file("usr/bin/hello", 0o755, HELLO.as_bytes())?;
    tree.folder("www", 0o755)?;
    tree.file("www/index.html", 0o644, PAGE.as_bytes())?;
    tree.finish()
}

/// A tar whose every byte follows from its content: root owns everything, and time stands still.
struct Tree {
    tar: Builder<Vec<u8>>,
    time: u64,
}

impl Tree {
    fn new(time: u64) -> Self {
        Self {
            tar: Builder::new(Vec::new()),
            time,
        }
    }

    fn folder(&mut self, path: &str, mode: u32) -> io::Result<()> {
        let mut header = self.header(EntryType::Directory, mode, 0);
        self.tar
            .append_data(&mut header, format!("{path}/"), io::empty())
    }

    fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        let mut header = self.header(EntryType::Regular, mode, content.len() as u64);
        self.tar.append_data(&mut header, path, content)
    }

    fn link(&mut self, path: &str, target: &str) -> io::Result<()> {
        let mut header = self.header(EntryType::Symlink, 0o777, 0);
        self.tar.append_link(&mut header, path, target)
    }

    fn header(&self, kind: EntryType, mode: u32, size: u64) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.time);
        header
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        self.tar.into_inner()
    }
}
