//! The way through a published port: how much goes through, and how long one request takes.

use std::{
    io::Read as _,
    net::{Ipv4Addr, TcpStream, UdpSocket},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use terrarium_tests::run;

use crate::{
    Bench,
    engine::Engine,
    measure::{Row, Side, alternate},
    skip,
};

const ROUNDS: usize = 5;
/// What is sent in one round.
const BYTES: &str = "512M";
const REQUESTS: u32 = 200;

/// iperf3 inside, called from the host over the host's own address, both ways; then requests.
pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    if Command::new("iperf3").arg("--version").output().is_err() {
        skip("iperf3 is not installed: apt-get install --no-install-recommends iperf3");
        return Ok(Vec::new());
    }
    let ports = bench.engines().map(Port::open);
    let ports = ports.collect::<Result<Vec<_>>>()?;
    let rows = [
        ("512 MiB through a published port, inward", &[][..]),
        ("512 MiB through a published port, outward", &["-R"]),
    ];
    let mut rows = rows
        .into_iter()
        .map(|(work, more)| compare(work, &ports, |port| port.transfer(more)))
        .collect::<Result<Vec<_>>>()?;
    let work = "200 requests through a published port";
    rows.push(compare(work, &ports, Port::requests)?);
    drop(ports);
    for engine in bench.engines() {
        engine.remove_containers()?;
    }
    Ok(rows)
}

fn compare(
    work: &str,
    ports: &[Port],
    act: impl Fn(&Port) -> Result<Duration> + Copy,
) -> Result<Row> {
    let mut sides: Vec<Side<'_>> = ports
        .iter()
        .map(|port| Side::new(port.engine, move || act(port)))
        .collect();
    Ok(Row::new(work, alternate(ROUNDS, &mut sides)?))
}

/// A container with two published ports: one for iperf3, one that answers each caller.
struct Port {
    engine: &'static str,
    host: Ipv4Addr,
    bulk: u16,
    echo: u16,
    server: Child,
}

impl Port {
    fn open(engine: &Engine) -> Result<Self> {
        let run = "run -d --name port -p 5201 -p 80 busybox nc -ll -p 80 -e echo hello";
        engine.docker(&run.split(' ').collect::<Vec<_>>())?;
        let pid = engine.docker(&["inspect", "-f", "{{.State.Pid}}", "port"])?;
        // The host's program in the container's network, so that no image needs it.
        let server = Command::new("nsenter")
            .args(["-t", &pid, "-n", "iperf3", "-s"])
            .stdout(Stdio::null())
            .spawn()?;
        let published = |port: &str| -> Result<u16> {
            let said = engine.docker(&["port", "port", port])?;
            let line = said.lines().next().context("it is published")?;
            let (_, port) = line.rsplit_once(':').context("address:port")?;
            Ok(port.parse()?)
        };
        Ok(Self {
            engine: engine.name(),
            host: own_address()?,
            bulk: published("5201")?,
            echo: published("80")?,
            server,
        })
    }

    /// How long the bytes took, by the clock of the one who receives them.
    fn transfer(&self, more: &[&str]) -> Result<Duration> {
        let mut client = Command::new("iperf3");
        let port = self.bulk.to_string();
        client.args(["-c", &self.host.to_string(), "-p", &port, "-n", BYTES, "-J"]);
        let ran = run(client.args(more), "")?;
        ensure!(ran.code == Some(0), "{}: {}", ran.line, ran.stdout);
        let said: Value = serde_json::from_str(&ran.stdout)?;
        let seconds = said["end"]["sum_received"]["seconds"].as_f64();
        Ok(Duration::from_secs_f64(
            seconds.context("iperf3 says how long")?,
        ))
    }

    fn requests(&self) -> Result<Duration> {
        let started = Instant::now();
        for _ in 0..REQUESTS {
            let mut stream = TcpStream::connect((self.host, self.echo))?;
            // It is told without being asked: what is left unread at the end would break the connection off.
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            ensure!(answer == "hello\n", "{answer:?}");
        }
        Ok(started.elapsed())
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The address from which this machine would speak to others; its loopback goes other ways.
fn own_address() -> Result<Ipv4Addr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // Nothing is sent by this.
    socket
        .connect((Ipv4Addr::new(192, 0, 2, 1), 9))
        .context("this machine has no way out, and no address of its own")?;
    match socket.local_addr()?.ip() {
        std::net::IpAddr::V4(address) => Ok(address),
        std::net::IpAddr::V6(_) => unreachable!("the socket is bound to IPv4"),
    }
}
