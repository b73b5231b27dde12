//! Questions for IPv4 addresses and their answers as packets (RFC 1035 §4). Pure.
//!
//! Needed because a static glibc program cannot use the system's resolver.

use std::net::Ipv4Addr;

const HEADER: usize = 12;
const TYPE_A: u16 = 1;
const CLASS_INTERNET: u16 = 1;
const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 253;

/// Why there is no address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server says that the name does not exist.
    NoSuchName,
    /// The name exists and has no IPv4 address.
    NoAddress,
    /// The server refused or failed; the response code is that of RFC 1035 §4.1.1.
    Server(u8),
    /// Not the answer to this question.
    Malformed,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::NoSuchName => formatter.write_str("no such name"),
            Failure::NoAddress => formatter.write_str("the name has no IPv4 address"),
            Failure::Server(code) => write!(formatter, "the name server answered with code {code}"),
            Failure::Malformed => formatter.write_str("the name server's answer cannot be understood"),
        }
    }
}

/// The packet that asks for the addresses of a name; `None` when it is no name.
pub(crate) fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    let name = name.trim_end_matches('.');
    if name.is_empty() || name.len() > LONGEST_NAME {
        return None;
    }
    let mut packet = Vec::with_capacity(HEADER + name.len() + 6);
    packet.extend(id.to_be_bytes());
    // Recursion desired; one question and nothing else.
    packet.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        if label.is_empty() || label.len() > LONGEST_LABEL || !label.is_ascii() {
            return None;
        }
        packet.push(u8::try_from(label.len()).ok()?);
        packet.extend(label.bytes());
    }
    packet.push(0);
    packet.extend(TYPE_A.to_be_bytes());
    packet.extend(CLASS_INTERNET.to_be_bytes());
    Some(packet)
}

/// The addresses in the answer to the question with this number.
///
/// # Errors
///
/// See [`Failure`]; a packet that cannot be understood is an error and never a panic.
pub(crate) fn answer(id: u16, packet: &[u8]) -> Result<Vec<Ipv4Addr>, Failure> {
    let mut reader = Reader { packet, at: 0 };
    let (number, flags) = (reader.number()?, reader.number()?);
    let (questions, answers) = (reader.number()?, reader.number()?);
    if number != id || flags & 0x8000 == 0 {
        return Err(Failure::Malformed);
    }
    match (flags & 0xf) as u8 {
        0 => {}
        3 => return Err(Failure::NoSuchName),
        code => return Err(Failure::Server(code)),
    }
    reader.at = HEADER;
    for _ in 0..questions {
        reader.skip_name()?;
        reader.skip(4)?;
    }
    let mut addresses = Vec::new();
    for _ in 0..answers {
        reader.skip_name()?;
        let (kind, class) = (reader.number()?, reader.number()?);
        reader.skip(4)?;
        let length = usize::from(reader.number()?);
        let data = reader.skip(length)?;
        // Others are links in a chain of aliases, whose end is in the same packet.
        if let (TYPE_A, CLASS_INTERNET, [a, b, c, d]) = (kind, class, data) {
            addresses.push(Ipv4Addr::new(*a, *b, *c, *d));
        }
    }
    if addresses.is_empty() { Err(Failure::NoAddress) } else { Ok(addresses) }
}

struct Reader<'a> {
    packet: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn skip(&mut self, length: usize) -> Result<&'a [u8], Failure> {
        let data = self.packet.get(self.at..self.at + length).ok_or(Failure::Malformed)?;
        self.at += length;
        Ok(data)
    }

    fn number(&mut self) -> Result<u16, Failure> {
        self.skip(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A name ends with an empty label or with a pointer, which need not be followed to get past it.
    fn skip_name(&mut self) -> Result<(), Failure> {
        loop {
            let length = self.skip(1)?[0];
            match length {
                0 => return Ok(()),
                0xc0.. => return self.skip(1).map(|_| ()),
                1..=63 => self.skip(usize::from(length))?,
                _ => return Err(Failure::Malformed),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer to the question for `a.b` with an alias before the address, both with compressed names.
    fn packet(code: u8, addresses: u8) -> Vec<u8> {
        let mut packet = question(7, "a.b").unwrap();
        packet[2] = 0x81;
        packet[3] = 0x80 | code;
        packet[7] = 1 + addresses;
        packet.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 30, 0, 4, 1, b'c', 0xc0, 14]);
        for last in 0..addresses {
            packet.extend([1, b'c', 0xc0, 14, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 10, 96, 0, last]);
        }
        packet
    }

    #[test]
    fn a_question_is_encoded() {
        let expected = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 2, b'b', b'c', 0, 0, 1, 0, 1];
        assert_eq!(question(7, "a.bc.").unwrap(), expected);
    }

    #[test]
    fn what_is_no_name_is_not_asked() {
        for wrong in ["", ".", "a..b", "\u{e9}.b", &"x".repeat(64), &"x.".repeat(128)[..]] {
            assert_eq!(question(7, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn addresses_are_found_behind_an_alias() {
        assert_eq!(answer(7, &packet(0, 2)), Ok(vec![Ipv4Addr::new(10, 96, 0, 0), Ipv4Addr::new(10, 96, 0, 1)]));
        assert_eq!(answer(7, &packet(0, 0)), Err(Failure::NoAddress));
    }

    #[test]
    fn refusals_are_told_apart() {
        assert_eq!(answer(7, &packet(3, 0)), Err(Failure::NoSuchName));
        assert_eq!(answer(7, &packet(2, 0)), Err(Failure::Server(2)));
        assert_eq!(answer(8, &packet(0, 1)), Err(Failure::Malformed));
        assert_eq!(answer(7, &question(7, "a.b").unwrap()), Err(Failure::Malformed));
    }

    #[test]
    fn a_cut_packet_is_malformed_at_every_length() {
        let whole = packet(0, 1);
        for length in 0..whole.len() {
            assert_eq!(answer(7, &whole[..length]), Err(Failure::Malformed), "{length}");
        }
    }
}
