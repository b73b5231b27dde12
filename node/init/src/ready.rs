//! Readiness probes that never hold up the loop: each call looks once and says whether the process is ready.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};

use crate::config::{HttpTarget, Ready};

/// How often a process that is not yet ready is looked at.
pub(crate) const INTERVAL: Duration = Duration::from_millis(20);
/// Loopback answers at once, either way; more than this only happens when the listener's queue is full.
const CONNECT: Duration = Duration::from_millis(10);
/// An answer that takes longer is asked for again.
const ANSWER: Duration = Duration::from_secs(2);

/// The probe of one process. It keeps an HTTP request whose answer has not come yet.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    pending: Option<Request>,
}

#[derive(Debug)]
struct Request {
    stream: TcpStream,
    sent: Instant,
    answer: Vec<u8>,
}

impl Probe {
    /// Looks once. Without a condition a process is ready as soon as it runs.
    pub(crate) fn look(&mut self, condition: Option<&Ready>) -> bool {
        match condition {
            None => true,
            Some(Ready::File(path)) => path.exists(),
            Some(Ready::UnixSocket(path)) => unix_accepts(path),
            Some(Ready::Tcp(address)) => tcp(address).is_some(),
            Some(Ready::Http(target)) => self.http(target),
        }
    }

    fn http(&mut self, target: &HttpTarget) -> bool {
        if self.pending.as_ref().is_some_and(|request| request.sent.elapsed() > ANSWER) {
            self.pending = None;
        }
        if self.pending.is_none() {
            self.pending = ask(target);
        }
        let Some(request) = &mut self.pending else {
            return false;
        };
        let mut piece = [0; 256];
        match request.stream.read(&mut piece) {
            Ok(0) => {
                self.pending = None;
                false
            }
            Ok(length) => {
                request.answer.extend_from_slice(&piece[..length]);
                match says_ok(&request.answer) {
                    None => false,
                    Some(ok) => {
                        self.pending = None;
                        ok
                    }
                }
            }
            Err(error) => {
                if error.kind() != std::io::ErrorKind::WouldBlock {
                    self.pending = None;
                }
                false
            }
        }
    }
}

/// Whether the answer begins with status 200; `None` while that cannot be told.
fn says_ok(answer: &[u8]) -> Option<bool> {
    const STATUS_ENDS: usize = "HTTP/1.1 200".len();
    (answer.len() >= STATUS_ENDS).then(|| answer.starts_with(b"HTTP/1.") && &answer[8..STATUS_ENDS] == b" 200")
}

fn ask(target: &HttpTarget) -> Option<Request> {
    let mut stream = tcp(&target.address)?;
    stream.set_nonblocking(true).ok()?;
    let HttpTarget { address, path } = target;
    // A request this small fits any socket buffer, so it is written whole or the connection is of no use.
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    Some(Request { stream, sent: Instant::now(), answer: Vec::new() })
}

fn tcp(address: &SocketAddr) -> Option<TcpStream> {
    TcpStream::connect_timeout(address, CONNECT).ok()
}

/// Without blocking, because connecting to a socket whose queue is full would wait without limit.
fn unix_accepts(path: &Path) -> bool {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let Ok(socket) = socket(AddressFamily::Unix, SockType::Stream, flags, None) else {
        return false;
    };
    let Ok(address) = UnixAddr::new(path) else {
        return false;
    };
    connect(std::os::fd::AsRawFd::as_raw_fd(&socket), &address).is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_socket_is_ready_only_while_somebody_listens() {
        let folder = tempfile::tempdir().unwrap();
        let condition = Ready::UnixSocket(folder.path().join("socket"));
        let mut probe = Probe::default();
        assert!(!probe.look(Some(&condition)));
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        assert!(probe.look(Some(&condition)));
        drop(listener);
        // The file is still there, as after the crash of its owner.
        assert!(!probe.look(Some(&condition)));
    }

    #[test]
    fn a_port_and_a_file_are_looked_at() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut probe = Probe::default();
        assert!(probe.look(Some(&Ready::Tcp(address))));
        drop(listener);
        assert!(!probe.look(Some(&Ready::Tcp(address))));
        assert!(probe.look(Some(&Ready::File("/proc/self/stat".into()))));
        assert!(!probe.look(Some(&Ready::File("/proc/self/nothing".into()))));
        assert!(probe.look(None));
    }

    #[test]
    fn http_is_asked_once_and_the_answer_awaited_without_blocking() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = HttpTarget { address: listener.local_addr().unwrap(), path: "/healthz".to_owned() };
        let condition = Ready::Http(target);
        let mut probe = Probe::default();
        for (answer, expected) in [("HTTP/1.1 503 No\r\n\r\n", false), ("HTTP/1.1 200 OK\r\n\r\nok", true)] {
            assert!(!probe.look(Some(&condition)));
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let length = stream.read(&mut request).unwrap();
            assert!(request[..length].starts_with(b"GET /healthz HTTP/1.1\r\n"));
            assert!(!probe.look(Some(&condition)));
            stream.write_all(answer.as_bytes()).unwrap();
            let mut ready = false;
            while probe.pending.is_some() && !ready {
                ready = probe.look(Some(&condition));
            }
            assert_eq!(ready, expected, "{answer}");
        }
    }

    #[test]
    fn an_answer_is_judged_only_when_its_status_is_complete() {
        assert_eq!(says_ok(b"HTTP/1.1 20"), None);
        assert_eq!(says_ok(b"HTTP/1.0 200 OK"), Some(true));
        assert_eq!(says_ok(b"SSH-2.0-OpenSSH"), Some(false));
    }
}
