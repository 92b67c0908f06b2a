//! The files that all cases of the corpus are built from.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
};

use anyhow::{Result, ensure};
use terrarium_tests::run;

const FILES: [(&str, &str, u32); 18] = [
    ("a.txt", "a\n", 0o644),
    ("b.txt", "b\n", 0o600),
    ("run.sh", "#!/bin/sh\necho run\n", 0o755),
    ("with space.txt", "space\n", 0o644),
    ("[brackets].txt", "brackets\n", 0o644),
    ("dir/one", "one\n", 0o644),
    ("dir/two.log", "two\n", 0o640),
    ("dir/sub/three", "three\n", 0o644),
    ("dir/sub/.hidden", "hidden\n", 0o644),
    ("deep/x/y/z.txt", "z\n", 0o644),
    ("node_modules/m.js", "m\n", 0o644),
    ("src/main.c", "int main;\n", 0o644),
    ("src/lib.c", "int lib;\n", 0o644),
    ("docs/readme.md", "readme\n", 0o644),
    ("docs/keep.md", "keep\n", 0o644),
    ("docs/sub/more.md", "more\n", 0o644),
    ("links/file", "file\n", 0o644),
    ("fake.tar.gz", "no archive\n", 0o644),
];

/// Makes them in an empty folder.
pub(crate) fn make(folder: &Path) -> Result<()> {
    for (path, content, mode) in FILES {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(&path, content)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    fs::create_dir(folder.join("dir/empty"))?;
    for (target, link) in [
        ("a.txt", "link"),
        ("dir", "dirlink"),
        ("file", "links/near"),
        ("nowhere", "links/broken"),
        ("/etc/passwd", "links/away"),
    ] {
        symlink(target, folder.join(link))?;
    }
    archives(folder)
}

fn archives(folder: &Path) -> Result<()> {
    let script = "set -e; umask 022; mkdir -p app-1.0/bin; echo 1.0 > app-1.0/version
        echo run > app-1.0/bin/app; chmod 755 app-1.0/bin/app; ln -s bin/app app-1.0/app
        ln app-1.0/version app-1.0/same
        tar --sort=name --owner=10 --group=20 --mtime=@1000000000 -cf \"$1/app.tar\" app-1.0
        cd \"$1\"; gzip -nk app.tar; bzip2 -k app.tar; xz -k app.tar; cp app.tar.gz archive-without-name";
    let scratch = tempfile::tempdir()?;
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(folder);
    let ran = run(command.current_dir(scratch.path()), "")?;
    ensure!(ran.code == Some(0), "make archives: {}", ran.stderr);
    Ok(())
}
