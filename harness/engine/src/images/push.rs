//! The registry of the cluster: what it has, and the push of what it has not.
//!
//! Plain HTTP to a loopback port and nowhere else: of an address that the registry answers only the path is used.

use std::{io, net::Ipv4Addr, pin::pin, time::Duration};

use futures::{Stream, stream};
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, StatusCode,
    body::{Bytes, Frame},
    client::conn::http1,
    header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{
    archive::Part,
    digest::Digest,
    image::{Blob, DOCKER_INDEX, DOCKER_MANIFEST, Image, OCI_INDEX, OCI_MANIFEST},
    reference::Reference,
};
use crate::{
    error::{Error, Result, chain, seconds},
    patience,
};

/// For an answer, beside the time that a blob's size allows.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a slow machine still moves through memory in a second.
const SLOWEST_BYTES_PER_SECOND: u64 = 1024 * 1024;
/// Of a blob that is read and sent at a time.
const PIECE: usize = 256 * 1024;
/// The registry's limit on a manifest.
const LONGEST_ANSWER: usize = 4 * 1024 * 1024;
/// Of the registry's own words in a message.
const LONGEST_QUOTE: usize = 300;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// One repository of the cluster's registry.
#[derive(Debug)]
pub(crate) struct Repository<'a> {
    port: u16,
    reference: &'a Reference,
}

/// A manifest that the registry has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Present {
    pub(crate) digest: Digest,
    /// Of the configuration; an index has none.
    pub(crate) config: Option<String>,
}

struct Answer {
    status: StatusCode,
    location: Option<String>,
    body: Bytes,
}

impl<'a> Repository<'a> {
    pub(crate) fn new(port: u16, reference: &'a Reference) -> Self {
        Self { port, reference }
    }

    /// The manifest under a tag or digest, `None` where there is none.
    pub(crate) async fn manifest(&self, tag: &str) -> Result<Option<Present>> {
        let path = self.path(&format!("manifests/{tag}"));
        let accepted = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX].join(", ");
        let answer = self.send(self.request(Method::GET, &path).header(ACCEPT, accepted), empty(), 0).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => {
                let manifest: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
                let config = manifest.and_then(|manifest| Some(manifest["config"]["digest"].as_str()?.to_owned()));
                Ok(Some(Present { digest: Digest::of(&answer.body), config }))
            }
            _ => Err(self.refused("GET", &path, &answer)),
        }
    }

    /// Sends what the registry does not have yet, the manifest last, and answers how many bytes that was.
    pub(crate) async fn push(&self, image: &Image, tags: &[&str]) -> Result<u64> {
        let mut sent = 0;
        for blob in &image.blobs {
            if !self.has_blob(blob).await? {
                self.upload(blob).await?;
                sent += blob.content.size;
            }
        }
        // By its digest too: the specification does not promise that a push by tag is found by digest.
        for tag in [image.digest.as_str()].iter().chain(tags) {
            if self.manifest(tag).await?.is_none_or(|present| present.digest != image.digest) {
                self.put_manifest(image, tag).await?;
                sent += image.manifest.len() as u64;
            }
        }
        Ok(sent)
    }

    async fn has_blob(&self, blob: &Blob) -> Result<bool> {
        let path = self.path(&format!("blobs/{}", blob.digest));
        let answer = self.send(self.request(Method::HEAD, &path), empty(), 0).await?;
        match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(self.refused("HEAD", &path, &answer)),
        }
    }

    async fn upload(&self, blob: &Blob) -> Result<()> {
        let path = self.path("blobs/uploads/");
        let answer = self.send(self.request(Method::POST, &path).header(CONTENT_LENGTH, 0), empty(), 0).await?;
        if answer.status != StatusCode::ACCEPTED {
            return Err(self.refused("POST", &path, &answer));
        }
        let location = answer.location.as_deref().and_then(path_of).ok_or_else(|| {
            self.error(format!("the cluster's registry took POST {path} and did not say where the upload goes"))
        })?;
        let separator = if location.contains('?') { '&' } else { '?' };
        let target = format!("{location}{separator}digest={}", blob.digest);
        let request = self
            .request(Method::PUT, &target)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, blob.content.size);
        let body = StreamBody::new(pieces(blob.content.clone())).boxed_unsync();
        let answer = self.send(request, body, blob.content.size).await?;
        if answer.status == StatusCode::CREATED {
            return Ok(());
        }
        Err(self.refused(&format!("{} bytes by PUT", blob.content.size), &target, &answer))
    }

    async fn put_manifest(&self, image: &Image, tag: &str) -> Result<()> {
        let path = self.path(&format!("manifests/{tag}"));
        let request = self
            .request(Method::PUT, &path)
            .header(CONTENT_TYPE, &image.media_type)
            .header(CONTENT_LENGTH, image.manifest.len());
        let answer = self.send(request, whole(image.manifest.clone().into()), 0).await?;
        if answer.status == StatusCode::CREATED { Ok(()) } else { Err(self.refused("PUT", &path, &answer)) }
    }

    /// Tells the registry something about this image by PUT, or takes it back by DELETE.
    pub(super) async fn control(&self, path: &str, body: Option<serde_json::Value>) -> Result<()> {
        let (method, body) = match body {
            Some(body) => (Method::PUT, body.to_string()),
            None => (Method::DELETE, String::new()),
        };
        let request = self.request(method.clone(), path).header(CONTENT_LENGTH, body.len());
        let answer = self.send(request, whole(body.into()), 0).await?;
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(());
        }
        Err(self.refused(method.as_str(), path, &answer))
    }

    fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.reference.path())
    }

    fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        Request::builder().method(method).uri(path).header(HOST, format!("127.0.0.1:{}", self.port))
    }

    /// One request on a connection of its own: on loopback that costs nothing, and a registry that ends a connection
    /// after an error spoils no other request.
    async fn send(&self, request: hyper::http::request::Builder, body: Body, bytes: u64) -> Result<Answer> {
        let request =
            request.body(body).map_err(|error| self.error(format!("no request can be made of it: {error}")))?;
        let what = format!("{} {}", request.method(), request.uri().path());
        let patience = patience::stretched(PATIENCE) + Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND);
        let outcome = tokio::time::timeout(patience, exchange(self.port, request)).await;
        let failure = match outcome {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => format!("failed at {what}: {}", chain(&*error)),
            Err(_) => format!("did not answer {what} within {}", seconds(patience)),
        };
        Err(self.error(format!("the cluster's registry on 127.0.0.1:{} {failure}", self.port)))
    }

    fn refused(&self, what: &str, path: &str, answer: &Answer) -> Error {
        let text = String::from_utf8_lossy(&answer.body);
        let quote: String = text.trim().chars().take(LONGEST_QUOTE).collect();
        let quote = if quote.is_empty() { quote } else { format!(": {quote}") };
        self.error(format!("the cluster's registry answered {what} {path} with {}{quote}", answer.status))
    }

    fn error(&self, message: String) -> Error {
        Error::Image { image: self.reference.familiar(), message }
    }
}

async fn exchange(
    port: u16,
    request: Request<Body>,
) -> std::result::Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async move {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, LONGEST_ANSWER).collect().await?.to_bytes();
        let location = head.headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Answer { status: head.status, location, body })
    };
    // The connection moves only while it is polled, and is dropped with the answer.
    let (mut connection, mut answer) = (pin!(connection), pin!(answer));
    tokio::select! {
        answer = &mut answer => answer,
        // Its error is told to the waiting request as well, together with the cause.
        _ = &mut connection => answer.await,
    }
}

fn whole(content: Bytes) -> Body {
    Full::new(content).map_err(|never| match never {}).boxed_unsync()
}

fn empty() -> Body {
    whole(Bytes::new())
}

/// A blob in pieces as they are read.
fn pieces(part: Part) -> impl Stream<Item = io::Result<Frame<Bytes>>> + Send + 'static {
    stream::try_unfold((part, 0), |(part, position)| async move {
        let read = move || {
            let mut piece = vec![0; PIECE];
            let read = part.read_at(&mut piece, position)?;
            piece.truncate(read);
            if read == 0 && position < part.size {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the image was cut while it was read"));
            }
            Ok((part, piece))
        };
        let (part, piece) = tokio::task::spawn_blocking(read).await.expect("reading a file does not panic")?;
        let next = position + piece.len() as u64;
        Ok((!piece.is_empty()).then(|| (Frame::data(Bytes::from(piece)), (part, next))))
    })
}

/// Path and query of the address of an upload, which a registry gives in full or as a path.
fn path_of(location: &str) -> Option<&str> {
    let path = match location.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/')?..],
        None => location,
    };
    path.starts_with('/').then_some(path)
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn only_the_path_of_an_uploads_address_is_used() {
        assert_eq!(path_of("/v2/a/blobs/uploads/1?state=2"), Some("/v2/a/blobs/uploads/1?state=2"));
        assert_eq!(path_of("http://elsewhere:1/v2/a"), Some("/v2/a"));
        assert_eq!(path_of("https://elsewhere"), None);
        assert_eq!(path_of("1"), None);
    }
}
