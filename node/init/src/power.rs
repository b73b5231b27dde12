//! The protocol on standard input: lines `start`, `stop` and `hold`, and the end of the input, which means the harness is gone.
//!
//! Only reads and cuts into lines; what a line leads to is decided in `node.rs`.

use std::os::fd::AsFd;

use nix::errno::Errno;

/// Longer lines are no command of ours; keeping them would let a confused writer fill the memory of PID 1.
const LONGEST_LINE: usize = 4096;

/// One thing the harness said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Start,
    Stop,
    /// The harness is there, and wants the node as it is.
    Hold,
    Unknown(String),
    /// The input has ended and will say nothing more.
    Closed,
}

/// Lines put together from whatever pieces the reads return.
#[derive(Debug, Default)]
pub(crate) struct Power {
    partial: Vec<u8>,
    closed: bool,
}

impl Power {
    /// Reads once; call it when the input is readable or has hung up.
    pub(crate) fn read(&mut self, input: impl AsFd) -> Vec<Said> {
        let mut piece = [0; 1024];
        match nix::unistd::read(input.as_fd(), &mut piece) {
            Ok(0) => self.close(),
            Ok(length) => self.feed(&piece[..length]),
            Err(Errno::EINTR | Errno::EAGAIN) => Vec::new(),
            // An input that cannot be read any more is as good as a closed one.
            Err(_) => self.close(),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    fn close(&mut self) -> Vec<Said> {
        self.closed = true;
        vec![Said::Closed]
    }

    fn feed(&mut self, piece: &[u8]) -> Vec<Said> {
        let mut said = Vec::new();
        for &byte in piece {
            if byte == b'\n' {
                said.push(understand(&self.partial));
                self.partial.clear();
            } else if self.partial.len() < LONGEST_LINE {
                self.partial.push(byte);
            }
        }
        said
    }
}

fn understand(line: &[u8]) -> Said {
    match String::from_utf8_lossy(line).trim() {
        "start" => Said::Start,
        "stop" => Said::Stop,
        "hold" => Said::Hold,
        other => Said::Unknown(other.chars().take(100).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_arrive_in_pieces() {
        let mut power = Power::default();
        assert_eq!(power.feed(b"st"), vec![]);
        assert_eq!(power.feed(b"art"), vec![]);
        assert_eq!(power.feed(b"\nsto"), vec![Said::Start]);
        assert_eq!(power.feed(b"p\r\n"), vec![Said::Stop]);
    }

    #[test]
    fn several_lines_may_arrive_in_one_piece() {
        let mut power = Power::default();
        assert_eq!(
            power.feed(b"hello\nhold\nstart\n\n"),
            vec![Said::Unknown("hello".to_owned()), Said::Hold, Said::Start, Said::Unknown(String::new())]
        );
    }

    #[test]
    fn a_word_without_a_line_end_is_no_command() {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        nix::unistd::write(&writer, b"start").unwrap();
        drop(writer);
        let mut power = Power::default();
        assert_eq!(power.read(&reader), vec![]);
        assert_eq!(power.read(&reader), vec![Said::Closed]);
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
