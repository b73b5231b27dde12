//! The last part of a text that comes in pieces.

/// Keeps the last bytes of what it is given.
#[derive(Debug)]
pub(super) struct Tail {
    limit: usize,
    bytes: Vec<u8>,
    left_out: usize,
}

impl Tail {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, bytes: Vec::new(), left_out: 0 }
    }

    /// The last bytes of a whole.
    pub(super) fn of(bytes: &[u8], limit: usize) -> Vec<u8> {
        let mut tail = Self::new(limit);
        tail.push(bytes);
        tail.finish()
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Seldom, so that each byte is moved about once.
        if self.bytes.len() > self.limit.saturating_mul(2) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let excess = self.bytes.len().saturating_sub(self.limit);
        self.bytes.drain(..excess);
        self.left_out += excess;
    }

    /// What is left, from the beginning of a line on, and said so where something is left out.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.cut();
        if self.left_out == 0 {
            return self.bytes;
        }
        // Half a line would be taken for a whole one.
        if let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            self.bytes.drain(..=end);
            self.left_out += end + 1;
        }
        let mut text = format!("… {} bytes before this are left out\n", self.left_out).into_bytes();
        text.append(&mut self.bytes);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Tail;

    fn tail(pieces: &[&str], limit: usize) -> String {
        let mut tail = Tail::new(limit);
        pieces.iter().for_each(|piece| tail.push(piece.as_bytes()));
        String::from_utf8(tail.finish()).unwrap()
    }

    #[test]
    fn what_is_short_enough_stays_as_it_is() {
        assert_eq!(tail(&["one\n", "two\n"], 8), "one\ntwo\n");
        assert_eq!(tail(&[], 8), "");
    }

    #[test]
    fn of_what_is_longer_the_last_whole_lines_stay() {
        assert_eq!(tail(&["one\n", "two\n", "three\n"], 11), "… 4 bytes before this are left out\ntwo\nthree\n");
        let many: Vec<String> = (0..1000).map(|number| format!("line {number}\n")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let text = tail(&many, 20);
        assert!(text.ends_with("left out\nline 998\nline 999\n"), "{text}");
        assert!(text.contains(&format!("… {} bytes", many.concat().len() - 18)), "{text}");
    }

    #[test]
    fn a_line_without_end_is_cut() {
        assert_eq!(tail(&["abcdefgh"], 3), "… 5 bytes before this are left out\nfgh");
    }
}
