//! Datagrams to a published port, handed on to a container; what it answers goes back to who asked.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::netns;

/// Who says nothing for so long is forgotten, as by the kernel's own translation.
const IDLE: Duration = Duration::from_secs(120);
/// Askers of one port at a time; the one that was silent longest makes room.
const ASKERS: usize = 1024;
/// How many datagrams of a socket are handed on before the others have their turn.
const IN_A_ROW: usize = 64;
const LONGEST: usize = 64 * 1024;

/// The port is served by a thread until this is dropped.
pub(super) struct DatagramDoor(OwnedFd);

impl DatagramDoor {
    pub(super) fn open(
        outside: UdpSocket,
        to: SocketAddr,
        realm: Option<Arc<OwnedFd>>,
    ) -> io::Result<Self> {
        outside.set_nonblocking(true)?;
        let (end, ours) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
        let mut passage = Passage {
            outside,
            to,
            end,
            askers: HashMap::new(),
        };
        thread::Builder::new()
            .stack_size(super::server::STACK)
            .spawn(move || {
                let entered = realm.is_none_or(|realm| netns::enter(realm.as_fd()).is_ok());
                // Without the namespace there is nobody to hand on to; the port stays held.
                while entered && passage.turn().unwrap_or(false) {}
                passage.wait_for_end();
            })?;
        Ok(Self(ours))
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

struct Passage {
    outside: UdpSocket,
    to: SocketAddr,
    /// Speaks up when the door is closed.
    end: OwnedFd,
    askers: HashMap<SocketAddr, Asker>,
}

struct Asker {
    inside: UdpSocket,
    heard: Instant,
}

impl Passage {
    /// Waits for datagrams and hands them on; false when the door is closed.
    fn turn(&mut self) -> io::Result<bool> {
        let askers: Vec<SocketAddr> = self.askers.keys().copied().collect();
        let ready: Vec<bool> = {
            let fds = [self.end.as_fd(), self.outside.as_fd()]
                .into_iter()
                .chain(askers.iter().map(|asker| self.askers[asker].inside.as_fd()));
            let mut polled: Vec<_> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            match poll(&mut polled, self.patience()) {
                Err(nix::errno::Errno::EINTR) => return Ok(true),
                waited => waited?,
            };
            polled.iter().map(|fd| fd.any().unwrap_or(true)).collect()
        };
        if ready[0] {
            return Ok(false);
        }
        for (asker, _) in askers.iter().zip(&ready[2..]).filter(|(_, ready)| **ready) {
            self.back(*asker);
        }
        if ready[1] {
            self.forth();
        }
        self.askers.retain(|_, asker| asker.heard.elapsed() < IDLE);
        Ok(true)
    }

    fn wait_for_end(&self) {
        let mut end = [PollFd::new(self.end.as_fd(), PollFlags::POLLIN)];
        while matches!(
            poll(&mut end, PollTimeout::NONE),
            Err(nix::errno::Errno::EINTR)
        ) {}
    }

    fn patience(&self) -> PollTimeout {
        if self.askers.is_empty() {
            PollTimeout::NONE
        } else {
            PollTimeout::try_from(IDLE).unwrap_or(PollTimeout::NONE)
        }
    }

    fn forth(&mut self) {
        let mut buffer = vec![0; LONGEST];
        for _ in 0..IN_A_ROW {
            let Ok((length, from)) = self.outside.recv_from(&mut buffer) else {
                return;
            };
            // What is lost is lost, as everywhere with datagrams.
            if let Ok(asker) = self.asker(from) {
                asker.heard = Instant::now();
                let _ = asker.inside.send(&buffer[..length]);
            }
        }
    }

    fn back(&mut self, to: SocketAddr) {
        let Some(asker) = self.askers.get_mut(&to) else {
            return;
        };
        let mut buffer = vec![0; LONGEST];
        for _ in 0..IN_A_ROW {
            match asker.inside.recv(&mut buffer) {
                Ok(length) => {
                    asker.heard = Instant::now();
                    let _ = self.outside.send_to(&buffer[..length], to);
                }
                // Also a port on which nobody listens inside: the error was taken by this read.
                Err(_) => return,
            }
        }
    }

    fn asker(&mut self, from: SocketAddr) -> io::Result<&mut Asker> {
        if !self.askers.contains_key(&from) {
            if self.askers.len() >= ASKERS {
                self.forget_one();
            }
            let any: IpAddr = match self.to {
                SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            };
            let inside = UdpSocket::bind((any, 0))?;
            inside.connect(self.to)?;
            inside.set_nonblocking(true)?;
            let heard = Instant::now();
            self.askers.insert(from, Asker { inside, heard });
        }
        self.askers
            .get_mut(&from)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn forget_one(&mut self) {
        let silent = self.askers.iter().min_by_key(|(_, asker)| asker.heard);
        if let Some(from) = silent.map(|(from, _)| *from) {
            self.askers.remove(&from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_asker_gets_its_own_answer_and_a_closed_door_lets_the_port_go() {
        let inside = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let to = inside.local_addr().unwrap();
        let outside = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = outside.local_addr().unwrap();
        let door = DatagramDoor::open(outside, to, None).unwrap();
        let askers = [(); 2].map(|()| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        for (number, asker) in askers.iter().enumerate() {
            asker.send_to(&[number as u8], at).unwrap();
        }
        let mut buffer = [0; 8];
        for _ in &askers {
            let (length, from) = inside.recv_from(&mut buffer).unwrap();
            inside.send_to(&buffer[..length], from).unwrap();
        }
        for (number, asker) in askers.iter().enumerate() {
            let (length, from) = asker.recv_from(&mut buffer).unwrap();
            assert_eq!((&buffer[..length], from), (&[number as u8][..], at));
        }
        drop(door);
        while UdpSocket::bind(at).is_err() {
            thread::yield_now();
        }
    }
}
