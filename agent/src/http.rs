//! As much of HTTP as is needed here: the first line of a request, and whole answers. Pure.

/// A longer request is none of ours.
pub(crate) const LONGEST_REQUEST: usize = 8192;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) path: String,
    query: String,
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn text(status: u16, body: impl Into<String>) -> Answer {
        Answer { status, kind: "text/plain; charset=utf-8", body: body.into() }
    }

    pub(crate) fn json(status: u16, body: &serde_json::Value) -> Answer {
        Answer { status, kind: "application/json", body: format!("{body}\n") }
    }

    pub(crate) fn encode(&self) -> String {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            502 => "Bad Gateway",
            _ => "Service Unavailable",
        };
        let Answer { status, kind, body } = self;
        let length = body.len();
        format!(
            "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    }
}

impl Request {
    /// Reads the head of a request; what comes after the first line is not looked at.
    ///
    /// # Errors
    ///
    /// The answer to give to something that is no request for us.
    pub(crate) fn parse(head: &[u8]) -> Result<Request, Answer> {
        let bad = |why: &str| Answer::text(400, format!("{why}\n"));
        let end = head.iter().position(|byte| *byte == b'\n').ok_or(bad("no request line"))?;
        let line = std::str::from_utf8(&head[..end]).map_err(|_| bad("the request line is not text"))?;
        let mut words = line.trim_end_matches('\r').split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(bad("the request line has not three words"));
        };
        if !version.starts_with("HTTP/1.") || !target.starts_with('/') {
            return Err(bad("not a request of HTTP/1"));
        }
        if method != "GET" {
            return Err(Answer::text(405, "only GET\n"));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Ok(Request { path: path.to_owned(), query: query.to_owned() })
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| decode(value)).next()
    }
}

fn decode(text: &str) -> String {
    let mut plain = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = after;
        match (byte, value) {
            (b'%', Some(value)) => {
                plain.push(value);
                rest = &after[2..];
            }
            (b'+', _) => plain.push(b' '),
            _ => plain.push(*byte),
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_its_path_and_its_parameters() {
        let request = Request::parse(b"GET /resolve?x=1&name=a%2eb%3A80+c%zz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        assert_eq!(request.path, "/resolve");
        assert_eq!(request.parameter("name").as_deref(), Some("a.b:80 c%zz"));
        assert_eq!(request.parameter("other"), None);
    }

    #[test]
    fn garbage_is_answered_and_never_obeyed() {
        let garbage: [&[u8]; 8] = [
            b"",
            b"\r\n\r\n",
            b"GET /healthz",
            b"GET\r\n",
            b"GET healthz HTTP/1.1\r\n",
            b"GET / HTTP/1.1 more\r\n",
            b"\x16\x03\x01\x02\x00\n\xff\xfe",
            b"\xff\xff / HTTP/1.1\r\n",
        ];
        for head in garbage {
            assert_eq!(Request::parse(head).unwrap_err().status, 400, "{head:?}");
        }
        assert_eq!(Request::parse(b"POST / HTTP/1.1\r\n\r\n").unwrap_err().status, 405);
    }

    #[test]
    fn an_answer_has_the_length_of_its_bytes() {
        let encoded = Answer::text(200, "é\n").encode();
        assert!(encoded.starts_with("HTTP/1.1 200 OK\r\n"), "{encoded}");
        assert!(encoded.contains("Content-Length: 3\r\n"), "{encoded}");
    }
}
