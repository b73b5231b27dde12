//! The protocol on standard input: lines `start`, `stop` and `outage`, and the end of the input, which means the harness is gone.
//!
//! Only reads and cuts into lines; what a line leads to is decided in `node.rs`.

use std::collections::VecDeque;
use std::os::fd::AsFd;

use nix::errno::Errno;

/// Longer lines are no command of ours; keeping them would let a confused writer fill the memory of PID 1.
const LONGEST_LINE: usize = 4096;

/// One thing the harness said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Start,
    Stop,
    /// The power fails.
    Outage,
    Unknown(String),
    /// The input has ended and will say nothing more.
    Closed,
}

/// Lines put together from whatever pieces the reads return.
#[derive(Debug, Default)]
pub(crate) struct Power {
    partial: Vec<u8>,
    /// What was said and nobody has taken yet.
    said: VecDeque<Said>,
    closed: bool,
}

impl Power {
    /// Reads once; call it when the input is readable or has hung up.
    pub(crate) fn read(&mut self, input: impl AsFd) {
        let mut piece = [0; 1024];
        match nix::unistd::read(input.as_fd(), &mut piece) {
            Ok(0) => self.close(),
            Ok(length) => self.feed(&piece[..length]),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            // An input that cannot be read any more is as good as a closed one.
            Err(_) => self.close(),
        }
    }

    /// The next thing that was said.
    pub(crate) fn next(&mut self) -> Option<Said> {
        self.said.pop_front()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    fn close(&mut self) {
        self.closed = true;
        self.said.push_back(Said::Closed);
    }

    fn feed(&mut self, piece: &[u8]) {
        for &byte in piece {
            if byte == b'\n' {
                self.said.push_back(understand(&self.partial));
                self.partial.clear();
            } else if self.partial.len() < LONGEST_LINE {
                self.partial.push(byte);
            }
        }
    }
}

fn understand(line: &[u8]) -> Said {
    match String::from_utf8_lossy(line).trim() {
        "start" => Said::Start,
        "stop" => Said::Stop,
        "outage" => Said::Outage,
        other => Said::Unknown(other.chars().take(100).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(power: &mut Power, piece: &[u8]) -> Vec<Said> {
        power.feed(piece);
        std::iter::from_fn(|| power.next()).collect()
    }

    #[test]
    fn a_line_may_arrive_in_pieces() {
        let mut power = Power::default();
        assert_eq!(heard(&mut power, b"st"), vec![]);
        assert_eq!(heard(&mut power, b"art"), vec![]);
        assert_eq!(heard(&mut power, b"\nsto"), vec![Said::Start]);
        assert_eq!(heard(&mut power, b"p\r\n"), vec![Said::Stop]);
    }

    #[test]
    fn several_lines_may_arrive_in_one_piece() {
        assert_eq!(
            heard(&mut Power::default(), b"hello\noutage\nstart\n\n"),
            vec![Said::Unknown("hello".to_owned()), Said::Outage, Said::Start, Said::Unknown(String::new())]
        );
    }

    #[test]
    fn a_word_without_a_line_end_is_no_command() {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        nix::unistd::write(&writer, b"start").unwrap();
        drop(writer);
        let mut power = Power::default();
        power.read(&reader);
        assert_eq!(power.next(), None);
        power.read(&reader);
        assert_eq!(power.next(), Some(Said::Closed));
        assert!(power.is_closed());
    }

    #[test]
    fn an_endless_line_does_not_fill_the_memory() {
        let mut power = Power::default();
        for _ in 0..100 {
            power.feed(&[b'x'; 1024]);
        }
        assert_eq!(power.partial.len(), LONGEST_LINE);
    }
}
