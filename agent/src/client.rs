//! Connections that the agent makes itself: a TCP connect, and a GET over plain HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::names;

const CONNECT: Duration = Duration::from_secs(3);
const ANSWER: Duration = Duration::from_secs(10);
const LONGEST_ANSWER: u64 = 4 << 20;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Connects and says how it went; a refusal is a result, not an error.
pub(crate) fn connect(address: &str) -> Value {
    let began = Instant::now();
    let stream = names::endpoint(address).and_then(|endpoint| {
        TcpStream::connect_timeout(&endpoint, CONNECT)
            .map_err(|error| format!("could not connect to `{address}` ({endpoint}): {error}"))
    });
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (connected, peer, error) = match stream {
        Ok(stream) => (true, stream.peer_addr().ok().map(|peer| peer.to_string()), None),
        Err(message) => (false, None, Some(message)),
    };
    json!({"address": address, "connected": connected, "peer": peer, "milliseconds": milliseconds, "error": error})
}

/// Looks a name up and says how it went.
pub(crate) fn resolve(name: &str) -> Value {
    match names::look_up(name) {
        Ok(addresses) => json!({"name": name, "addresses": addresses, "error": null}),
        Err(message) => json!({"name": name, "addresses": [], "error": message}),
    }
}

/// # Errors
///
/// No answer that can be understood, as a message; a status of any kind is an answer.
pub(crate) fn get(url: &str) -> Result<Reply, String> {
    let rest = url.strip_prefix("http://").ok_or(format!("`{url}` does not begin with `http://`"))?;
    let (host, path) = match rest.find('/') {
        Some(place) => rest.split_at(place),
        None => (rest, "/"),
    };
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let endpoint = names::endpoint(&if has_port { host.to_owned() } else { format!("{host}:80") })?;
    let failed = |error: std::io::Error| format!("could not get `{url}`: {error}");
    let mut stream = TcpStream::connect_timeout(&endpoint, CONNECT).map_err(failed)?;
    stream.set_read_timeout(Some(ANSWER)).map_err(failed)?;
    // Version 1.0, so that no answer comes in chunks.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: rollcall-agent\r\n\r\n").map_err(failed)?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).map_err(failed)?;
    understand(&answer).ok_or(format!("could not get `{url}`: the answer is not HTTP"))
}

fn understand(answer: &[u8]) -> Option<Reply> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    Some(Reply { status, body: String::from_utf8_lossy(&answer[end + 4..]).into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_status_and_body() {
        let reply = understand(b"HTTP/1.1 503 No\r\nA: b\r\n\r\nwhy\r\n\r\nso").unwrap();
        assert_eq!((reply.status, reply.body.as_str()), (503, "why\r\n\r\nso"));
        for garbage in
            ["", "\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\n"]
        {
            assert!(understand(garbage.as_bytes()).is_none(), "{garbage}");
        }
    }

    #[test]
    fn only_plain_http_is_spoken() {
        assert!(get("https://127.0.0.1/").unwrap_err().contains("does not begin with `http://`"));
    }

    #[test]
    fn a_refused_connection_is_a_result() {
        let value = connect("127.0.0.1:1");
        assert_eq!(value["connected"], false);
        assert!(value["error"].as_str().unwrap().contains("127.0.0.1:1"));
    }

    #[test]
    fn an_address_resolves_to_itself() {
        assert_eq!(resolve("10.1.2.3"), json!({"name": "10.1.2.3", "addresses": ["10.1.2.3"], "error": null}));
    }
}
