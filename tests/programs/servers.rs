//! The servers, and a client for each.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use terrarium_tests::Ran;

/// Runs the docker client of a host or of a window.
pub(crate) type Docker<'a> = &'a dyn Fn(&[&str]) -> Ran;

/// Serves a page of its own and logs to the container's output, as the image of nginx does.
pub(crate) fn start_nginx(docker: Docker<'_>) {
    let script = "ln -sf /dev/stdout /var/log/nginx/access.log; \
        ln -sf /dev/stderr /var/log/nginx/error.log; \
        echo a page of ours >/var/www/html/index.html; \
        exec nginx -g 'daemon off;'";
    let options = ["run", "-d", "--name", "nginx", "-p", "127.0.0.1::80"];
    let command = ["debian", "sh", "-c", script];
    docker(&[&options[..], &command].concat()).ok();
}

/// Fetches its page through the published port, once it listens.
///
/// # Errors
/// When it never answers.
pub(crate) fn ask_nginx(docker: Docker<'_>) -> Result<()> {
    let port = docker(&["port", "nginx", "80/tcp"]);
    let url = format!("http://{}/", port.ok());
    let started = Instant::now();
    let mut page = ureq::get(&url).call();
    while page.is_err() && started.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(50));
        page = ureq::get(&url).call();
    }
    let page = page.context("nginx answers")?.body_mut().read_to_string()?;
    assert_eq!(page, "a page of ours\n");
    Ok(())
}

/// Where the server of PostgreSQL lies depends on its version.
pub(crate) const POSTGRESQL: &str = "PATH=$(echo /usr/lib/postgresql/*/bin):$PATH; \
    export PGHOST=/tmp PGDATA=/var/lib/postgresql/fresh; ";

/// Makes a database and serves it.
pub(crate) fn start_postgresql(docker: Docker<'_>) {
    let script = format!(
        "{POSTGRESQL} [ -e $PGDATA/PG_VERSION ] || initdb -A trust || exit; \
         exec postgres -c unix_socket_directories=/tmp"
    );
    docker(&[
        "run",
        "-d",
        "--name",
        "postgresql",
        "--user",
        "postgres",
        "--stop-signal",
        "SIGINT",
        "debian",
        "sh",
        "-c",
        &script,
    ])
    .ok();
    let sum = query(
        docker,
        "create table numbers as select generate_series(1, 1000) as n; \
         select sum(n) from numbers",
    );
    assert!(sum.ends_with("500500"), "{sum}");
}

/// Asks once the server is ready.
pub(crate) fn query(docker: Docker<'_>, statements: &str) -> String {
    let script = format!(
        "{POSTGRESQL} for i in $(seq 300); do pg_isready -q && break; sleep 0.1; done; \
         exec psql -At -c \"$0\""
    );
    docker(&["exec", "postgresql", "sh", "-c", &script, statements])
        .ok()
        .to_owned()
}
