//! A connection to the bus on which systemd answers.

use std::io::{self, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::time::Duration;

use super::Manager;
use super::message::{Body, Call, FAILURE, FIXED, Message, REPLY, SIGNAL};
use crate::error::{Context, Error, Result};

const BUS: &str = "org.freedesktop.DBus";
const SYSTEMD: &str = "org.freedesktop.systemd1";
/// A manager that says nothing for so long is not there.
const PATIENCE: Duration = Duration::from_secs(30);
/// An answer of the login, `OK` with an identifier, is far shorter.
const LONGEST_LINE: usize = 1024;

/// The login is done, and systemd tells of the ends of jobs.
#[derive(Debug)]
pub(super) struct Bus {
    stream: UnixStream,
    serial: u32,
    /// Jobs that ended while something else was waited for: path and result.
    ended: Vec<(String, String)>,
}

impl Bus {
    /// Connects to the bus of the machine, or to that of the user's session.
    pub(super) fn connect(manager: Manager) -> Result<Self> {
        let address = manager.bus_address();
        let op = || format!("connect to the bus of {} at {address:?}", manager.name());
        let stream = connect(&address).doing(op)?;
        Self::login(stream).doing(op)
    }

    /// Says who is there and greets the bus.
    pub(super) fn login(stream: UnixStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut bus = Self {
            stream,
            serial: 0,
            ended: Vec::new(),
        };
        // Without a name: who this is the other side asks of the kernel. A name would be wrong in a user
        // namespace, where it is another one outside.
        bus.stream.write_all(b"\0AUTH EXTERNAL\r\nDATA\r\n")?;
        loop {
            let line = bus.line()?;
            if line.starts_with("OK") {
                break;
            }
            if !line.starts_with("DATA") {
                return Err(io::Error::other(format!("the bus answers {line:?}")));
            }
        }
        bus.stream.write_all(b"BEGIN\r\n")?;
        Ok(bus)
    }

    /// What has to be said once, before jobs are waited for.
    pub(super) fn greet(&mut self) -> Result<()> {
        self.ask_bus("Hello", "")?;
        let rule = "type='signal',sender='org.freedesktop.systemd1',\
                    interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";
        self.ask_bus("AddMatch", rule)?;
        self.ask("Subscribe", "", &Body::default()).map(drop)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        // Byte by byte: what follows the line is no line any more.
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            line.push(byte[0]);
            if line.len() > LONGEST_LINE {
                return Err(io::Error::other("the bus answers with an endless line"));
            }
        }
        Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
    }

    fn ask_bus(&mut self, member: &str, argument: &str) -> Result<Message> {
        let mut body = Body::default();
        if !argument.is_empty() {
            body.text(argument);
        }
        let call = Call {
            destination: BUS,
            path: "/org/freedesktop/DBus",
            interface: BUS,
            member,
            signature: if argument.is_empty() { "" } else { "s" },
        };
        self.call(&call, &body)
    }

    /// Calls the manager.
    pub(super) fn ask(&mut self, member: &str, signature: &str, body: &Body) -> Result<Message> {
        let call = Call {
            destination: SYSTEMD,
            path: "/org/freedesktop/systemd1",
            interface: "org.freedesktop.systemd1.Manager",
            member,
            signature,
        };
        self.call(&call, body)
    }

    /// Sends a call and waits for its answer.
    fn call(&mut self, call: &Call<'_>, body: &Body) -> Result<Message> {
        let op = || format!("call `{}` of {}", call.member, call.destination);
        self.serial += 1;
        let message = call.message(self.serial, body);
        self.stream.write_all(&message).doing(op)?;
        loop {
            let message = self.receive().doing(op)?;
            if message.reply_to != Some(self.serial) {
                self.note_end(&message);
                continue;
            }
            return match message.kind {
                REPLY => Ok(message),
                FAILURE => Err(Error::Systemd {
                    call: call.member.to_owned(),
                    name: message.error.clone(),
                    text: message.reader().text().unwrap_or_default(),
                }),
                _ => Err(Error::io(op(), io::Error::other("no answer and no error"))),
            };
        }
    }

    /// Waits for a job to end, and gives back how: `done`, or why not.
    pub(super) fn await_job(&mut self, job: &str) -> Result<String> {
        loop {
            if let Some((_, result)) = self.ended.iter().find(|(ended, _)| ended == job) {
                return Ok(result.clone());
            }
            let message = self.receive().doing(|| format!("wait for {job}"))?;
            self.note_end(&message);
        }
    }

    fn note_end(&mut self, message: &Message) {
        if message.kind != SIGNAL || message.member != "JobRemoved" {
            return;
        }
        // Number, path, unit and result; one that says less says nothing to us.
        let mut body = message.reader();
        let read = body.number().and_then(|_| {
            let job = body.text()?;
            body.text()?;
            Ok((job, body.text()?))
        });
        self.ended.extend(read.ok());
    }

    fn receive(&mut self) -> io::Result<Message> {
        let mut fixed = [0; FIXED];
        self.stream.read_exact(&mut fixed)?;
        let mut bytes = vec![0; Message::length(&fixed)?];
        bytes[..FIXED].copy_from_slice(&fixed);
        self.stream.read_exact(&mut bytes[FIXED..])?;
        Message::parse(&bytes)
    }
}

/// Connects to the first address of a list that is a unix socket (D-Bus specification, "Server Addresses").
fn connect(addresses: &str) -> io::Result<UnixStream> {
    let mut first = Err(io::Error::new(
        io::ErrorKind::NotFound,
        "no address of a unix socket",
    ));
    for address in addresses.split(';') {
        let Some(socket) = socket_of(address) else {
            continue;
        };
        match socket.and_then(|socket| UnixStream::connect_addr(&socket)) {
            Ok(stream) => return Ok(stream),
            Err(error) => first = Err(error),
        }
    }
    first
}

fn socket_of(address: &str) -> Option<io::Result<SocketAddr>> {
    let options = address.strip_prefix("unix:")?;
    options.split(',').find_map(|option| {
        let (name, value) = option.split_once('=')?;
        let value = unescape(value);
        match name {
            "path" => Some(SocketAddr::from_pathname(value)),
            "abstract" => Some(SocketAddr::from_abstract_name(value)),
            _ => None,
        }
    })
}

/// `%20` is a space, and so on.
fn unescape(value: &str) -> String {
    let mut parts = value.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part.get(..2);
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(&part.as_bytes()[2..]);
            }
            None => {
                bytes.push(b'%');
                bytes.extend(part.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_bus_writes_them() {
        let path = |address: &str| {
            let socket = socket_of(address)?.ok()?;
            Some(socket.as_pathname()?.display().to_string())
        };
        for (address, expect) in [
            ("unix:path=/run/bus", Some("/run/bus")),
            ("unix:guid=00,path=/run/a%20b", Some("/run/a b")),
            ("unix:path=/run/100%", Some("/run/100%")),
            ("tcp:host=localhost", None),
            ("unix:runtime=yes", None),
        ] {
            assert_eq!(path(address).as_deref(), expect, "{address}");
        }
        assert!(connect("tcp:host=a;nonsense").is_err());
    }
}
