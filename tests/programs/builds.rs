//! Programs that are built, as their Dockerfiles in the world do it, and run.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use terrarium_tests::{Host, Options, Ran, run_within, skip};

use crate::debian::{LONG, with_debian};

type Files<'a> = &'a [(&'a str, &'a str)];

const PROGRAM_IN_C: Files<'_> = &[
    (
        "Dockerfile",
        "# syntax=docker/dockerfile:1\n\
         FROM debian AS build\n\
         ARG GREETING=hello\n\
         WORKDIR /src\n\
         COPY src/*.h src/*.c ./\n\
         RUN --mount=type=cache,target=/objects \\\n    \
             for f in *.c; do gcc -O2 -Wall -Werror -DGREETING=\"\\\"$GREETING\\\"\" -c $f -o /objects/${f%.c}.o || exit; done; \\\n    \
             mkdir /out && gcc -static -s /objects/*.o -o /out/app && ls /objects\n\
         FROM scratch\n\
         COPY --from=build --chmod=755 /out/app /app\n\
         USER 65534\n\
         ENTRYPOINT [\"/app\"]\n\
         CMD [\"world\"]\n",
    ),
    (
        "src/main.c",
        "#include \"say.h\"\nint main(int n, char **words) { return say(n > 1 ? words[1] : \"\"); }\n",
    ),
    (
        "src/say.c",
        "#include <stdio.h>\n#include \"say.h\"\nint say(const char *who) { return printf(GREETING \" %s\\n\", who) < 0; }\n",
    ),
    ("src/say.h", "int say(const char *who);\n"),
    ("src/notes.txt", "left out by the pattern\n"),
];

const PROGRAM_IN_PYTHON: Files<'_> = &[
    (
        "Dockerfile",
        "FROM debian\n\
         ENV PYTHONUNBUFFERED=1 PORT=8000\n\
         WORKDIR /app\n\
         COPY app.py ./\n\
         RUN --mount=type=cache,target=/root/.cache,sharing=locked \\\n    \
             PYTHONPYCACHEPREFIX=/root/.cache python3 -m py_compile app.py && find /root/.cache -name 'app*.pyc' | grep -q .\n\
         EXPOSE $PORT\n\
         HEALTHCHECK --interval=1s --retries=20 CMD python3 -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:8000')\"\n\
         USER www-data\n\
         STOPSIGNAL SIGINT\n\
         CMD [\"python3\", \"app.py\"]\n",
    ),
    (
        "app.py",
        "import http.server, os, signal, sys\n\
         class Page(http.server.BaseHTTPRequestHandler):\n    \
             def do_GET(self):\n        \
                 self.send_response(200); self.end_headers()\n        \
                 self.wfile.write(f'uid {os.getuid()}\\n'.encode())\n\
         signal.signal(signal.SIGINT, lambda *_: sys.exit(0))\n\
         http.server.HTTPServer(('', int(os.environ['PORT'])), Page).serve_forever()\n",
    ),
];

const SITE: Files<'_> = &[
    (
        "Dockerfile",
        "FROM debian\n\
         RUN ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log\n\
         COPY --chown=root:www-data site/ /var/www/html/\n\
         EXPOSE 80\n\
         STOPSIGNAL SIGQUIT\n\
         CMD [\"nginx\", \"-g\", \"daemon off;\"]\n",
    ),
    ("site/index.html", "a page that was built\n"),
    ("site/deep/more.html", "more\n"),
    ("site/draft.md", "not yet\n"),
    (".dockerignore", "**/*.md\n"),
];

const DATABASE: Files<'_> = &[(
    "Dockerfile",
    "FROM debian\n\
     ENV PGDATA=/var/lib/postgresql/data PGHOST=/tmp\n\
     RUN ln -s /usr/lib/postgresql/*/bin /usr/lib/postgresql/bin\n\
     ENV PATH=$PATH:/usr/lib/postgresql/bin\n\
     USER postgres\n\
     RUN initdb -A trust >/dev/null\n\
     COPY --chmod=755 <<'END' /start.sh\n\
     #!/bin/sh\n\
     exec postgres -c unix_socket_directories=/tmp \"$@\"\n\
     END\n\
     VOLUME /var/lib/postgresql/data\n\
     EXPOSE 5432\n\
     STOPSIGNAL SIGINT\n\
     ENTRYPOINT [\"/start.sh\"]\n",
)];

fn build(host: &Host, name: &str, files: Files<'_>) -> Result<Ran> {
    let folder = host.scratch().join(name);
    for (path, content) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write(path, content)?;
    }
    let mut command = host.command(&["build", "-t", name]);
    let ran = run_within(command.arg(folder), "", LONG)?;
    ran.ok();
    Ok(ran)
}

fn page(host: &Host, container: &str, port: &str) -> Result<String> {
    let port = host.docker(&["port", container, port]);
    // A line for each family.
    let address = port.ok().lines().next().context("a published port")?;
    let url = format!("http://{address}/");
    let started = Instant::now();
    loop {
        match ureq::get(&url).call() {
            Ok(mut page) => return Ok(page.body_mut().read_to_string()?),
            Err(error) if started.elapsed() > Duration::from_secs(20) => {
                return Err(error).context(format!("{container} answers"));
            }
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

#[test]
fn programs_are_built_and_run() -> Result<()> {
    with_debian(|mirrors| {
        let host = Host::start(Options { mirrors })?;
        c(&host)?;
        python(&host)?;
        site(&host)?;
        database(&host)
    })
}

fn c(host: &Host) -> Result<()> {
    let said = build(host, "c", PROGRAM_IN_C)?.stdout;
    assert!(said.contains("main.o\nsay.o"), "{said}");
    assert_eq!(host.docker(&["run", "--rm", "c"]).ok(), "hello world");
    assert_eq!(host.docker(&["run", "--rm", "c", "you"]).ok(), "hello you");
    let facts = "{{len .RootFS.Layers}} {{.Config.User}} {{.Os}}{{.Variant}}";
    let facts = host.docker(&["inspect", "-f", facts, "c"]);
    assert_eq!(facts.ok(), "1 65534 linux");
    let archive = host.scratch().join("c.tar").display().to_string();
    host.docker(&["save", "-o", &archive, "c"]).ok();
    podman_runs(&archive)
}

/// The image is one for everybody.
fn podman_runs(archive: &str) -> Result<()> {
    if !Path::new("/usr/bin/podman").exists() {
        skip("needs podman");
        return Ok(());
    }
    let folder = tempfile::Builder::new().prefix("pm").tempdir_in("/tmp")?;
    let policy = folder.path().join("policy");
    fs::write(
        &policy,
        r#"{"default":[{"type":"insecureAcceptAnything"}]}"#,
    )?;
    let podman = |arguments: &[&str]| {
        let mut command = Command::new("podman");
        command.arg("--root").arg(folder.path().join("root"));
        command.arg("--runroot").arg(folder.path().join("run"));
        command.arg("--tmpdir").arg(folder.path().join("tmp"));
        command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]);
        // crun refuses machines with both versions of control groups.
        command.args(["--events-backend", "file", "--runtime", "runc"]);
        run_within(command.args(arguments), "", LONG)
    };
    let policy = policy.display().to_string();
    podman(&["load", "-q", "--signature-policy", &policy, "-i", archive])?.ok();
    let run = [
        "run",
        "--rm",
        "--network",
        "none",
        "--ulimit",
        "nofile=1024:1024",
        "--ulimit",
        "nproc=9000:9000",
        "c",
    ];
    let ran = podman(&[&run[..], &["podman"]].concat())?;
    let storage = folder.path().join("root");
    let _ = Command::new("umount").arg("-lR").arg(storage).output();
    let hierarchies = fs::read_dir("/sys/fs/cgroup")?;
    for hierarchy in hierarchies.flatten() {
        // Another podman of this machine may have something in it.
        let _ = fs::remove_dir(hierarchy.path().join("libpod_parent"));
    }
    assert_eq!(ran.ok(), "hello podman");
    Ok(())
}

fn python(host: &Host) -> Result<()> {
    build(host, "python", PROGRAM_IN_PYTHON)?;
    host.docker(&["run", "-d", "--name", "python", "-P", "python"])
        .ok();
    assert_eq!(page(host, "python", "8000/tcp")?, "uid 33\n");
    let started = Instant::now();
    let health = || host.docker(&["inspect", "-f", "{{.State.Health.Status}}", "python"]);
    while health().ok() != "healthy" {
        ensure!(
            started.elapsed() < Duration::from_secs(30),
            "it is well: {:?}",
            health()
        );
        thread::sleep(Duration::from_millis(100));
    }
    stops(host, "python");
    Ok(())
}

fn site(host: &Host) -> Result<()> {
    build(host, "site", SITE)?;
    host.docker(&["run", "-d", "--name", "site", "-p", "127.0.0.1::80", "site"])
        .ok();
    assert_eq!(page(host, "site", "80/tcp")?, "a page that was built\n");
    let listed = host.docker(&[
        "exec",
        "site",
        "find",
        "/var/www/html",
        "-type",
        "f",
        "-name",
        "*.md",
    ]);
    assert_eq!(listed.ok(), "");
    stops(host, "site");
    Ok(())
}

fn database(host: &Host) -> Result<()> {
    build(host, "database", DATABASE)?;
    host.docker(&[
        "run",
        "-d",
        "--name",
        "database",
        "database",
        "-c",
        "max_connections=7",
    ])
    .ok();
    let script = "for i in $(seq 300); do pg_isready -q && break; sleep 0.1; done; \
                  psql -At -c 'show max_connections' -c 'select sum(n) from generate_series(1, 1000) n'";
    let ran = host.docker(&["exec", "database", "sh", "-c", script]);
    assert_eq!(ran.ok(), "7\n500500");
    stops(host, "database");
    Ok(())
}

fn stops(host: &Host, name: &str) {
    host.docker(&["stop", "-t", "20", name]).ok();
    let code = host.docker(&["inspect", "-f", "{{.State.ExitCode}}", name]);
    assert_eq!(code.ok(), "0", "{name}");
    host.docker(&["rm", "-v", name]).ok();
}
