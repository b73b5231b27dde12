//! A registry for tests: the part of the distribution specification that a push needs, in memory, with faults.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::digest::Digest;

#[derive(Default)]
struct State {
    blobs: HashMap<String, Vec<u8>>,
    /// By repository and tag or digest.
    manifests: HashMap<(String, String), Vec<u8>>,
    /// Method and target of each.
    requests: Vec<String>,
    /// Method, part of the target, status, body.
    refusal: Option<(String, String, String, String)>,
}

/// Ends with the runtime of its test.
pub(super) struct Registry {
    pub(super) port: u16,
    state: Arc<Mutex<State>>,
}

impl Registry {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let served = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { port, state }
    }

    pub(super) fn refuse(&self, method: &str, part: &str, status: &str, body: &str) {
        self.state.lock().unwrap().refusal = Some((method.into(), part.into(), status.into(), body.into()));
    }

    pub(super) fn manifest(&self, repository: &str, tag: &str) -> Option<Vec<u8>> {
        self.state.lock().unwrap().manifests.get(&(repository.to_owned(), tag.to_owned())).cloned()
    }

    pub(super) fn blob_size(&self, digest: &str) -> Option<u64> {
        self.state.lock().unwrap().blobs.get(digest).map(|blob| blob.len() as u64)
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(super) fn forget_requests(&self) {
        self.state.lock().unwrap().requests.clear();
    }
}

/// One request; the connection ends with it.
async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.unwrap() == 0 {
            return;
        }
    }
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await.unwrap();
    let (status, header, content) = answer(&mut state.lock().unwrap(), &method, &target, body);
    let mut response =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\n{header}Content-Length: {}\r\n\r\n", content.len());
    // Without the body, but with its length.
    let content = if method == "HEAD" { Vec::new() } else { content };
    response.push_str(std::str::from_utf8(&content).unwrap());
    stream.write_all(response.as_bytes()).await.unwrap();
    stream.shutdown().await.ok();
}

fn answer(state: &mut State, method: &str, target: &str, body: Vec<u8>) -> (String, String, Vec<u8>) {
    let plain = |status: &str| (status.to_owned(), String::new(), Vec::new());
    state.requests.push(format!("{method} {target}"));
    if let Some((_, _, status, body)) =
        state.refusal.as_ref().filter(|(wanted, part, ..)| wanted == method && target.contains(part.as_str()))
    {
        return (status.clone(), String::new(), body.clone().into());
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.strip_prefix("/v2/").unwrap();
    if let Some((repository, tag)) = path.split_once("/manifests/") {
        let key = (repository.to_owned(), tag.to_owned());
        return match (method, state.manifests.get(&key)) {
            ("GET", Some(manifest)) => ("200 OK".into(), String::new(), manifest.clone()),
            ("PUT", _) => {
                state.manifests.insert(key, body);
                plain("201 Created")
            }
            _ => plain("404 Not Found"),
        };
    }
    let (repository, blob) = path.split_once("/blobs/").unwrap();
    match method {
        "HEAD" if state.blobs.contains_key(blob) => plain("200 OK"),
        "POST" => {
            // As `distribution` answers: in full, and with a query.
            let location = format!("Location: http://registry.invalid/v2/{repository}/blobs/uploads/1?state=x\r\n");
            ("202 Accepted".into(), location, Vec::new())
        }
        "PUT" => {
            let digest = query.split('&').find_map(|pair| pair.strip_prefix("digest=")).unwrap().to_owned();
            if Digest::of(&body).as_str() != digest {
                return ("400 Bad Request".into(), String::new(), b"DIGEST_INVALID".to_vec());
            }
            state.blobs.insert(digest, body);
            plain("201 Created")
        }
        _ => plain("404 Not Found"),
    }
}
