//! Serves over HTTP: one connection, one request, one thread, within bounds.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::agent::Agent;
use crate::client;
use crate::environment::Listen;
use crate::http::{Answer, LONGEST_REQUEST, Request};
use crate::report;

const PATIENCE: Duration = Duration::from_secs(2);
const MOST_CONNECTIONS: usize = 64;

/// # Errors
///
/// The address cannot be listened on, as a message.
pub(crate) fn bind(listen: &Listen) -> Result<(TcpListener, SocketAddr), String> {
    let port = listen.port;
    let bound = match listen.address.as_str() {
        // One socket for both families, where the node has IPv6 at all.
        "" => TcpListener::bind(("::", port)).or_else(|_| TcpListener::bind(("0.0.0.0", port))),
        address => TcpListener::bind((address, port)),
    };
    bound
        .and_then(|listener| listener.local_addr().map(|address| (listener, address)))
        .map_err(|error| format!("could not listen on `{}:{port}`: {error}", listen.address))
}

/// Serves for as long as the program lives.
pub(crate) fn serve(listener: &TcpListener, agent: &Arc<Agent>) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Out of file descriptors, most likely; trying again at once would only burn time.
            std::thread::sleep(Duration::from_millis(10));
            continue;
        };
        if open.fetch_add(1, Ordering::Relaxed) >= MOST_CONNECTIONS {
            open.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (agent, open) = (Arc::clone(agent), Arc::clone(&open));
        std::thread::spawn(move || {
            // The other side may go away at any time, and there is nobody to tell.
            let _ = handle(stream, &agent);
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

fn handle(mut stream: TcpStream, agent: &Agent) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") && head.len() < LONGEST_REQUEST {
        match stream.read(&mut piece)? {
            0 => break,
            length => head.extend_from_slice(&piece[..length]),
        }
    }
    let answer = match Request::parse(&head) {
        Ok(request) => answer(&request, agent),
        Err(answer) => answer,
    };
    stream.write_all(answer.encode().as_bytes())
}

fn answer(request: &Request, agent: &Agent) -> Answer {
    let missing = |name: &str| Answer::text(400, format!("the parameter `{name}` is missing\n"));
    match request.path.as_str() {
        "/healthz" => match agent.not_ready() {
            None => Answer::text(200, "ok\n"),
            Some(reason) => Answer::text(503, format!("not ready: {reason}\n")),
        },
        "/info" => Answer::json(200, &report::info(&agent.environment, agent.times(), &agent.in_force())),
        "/metrics" => {
            let ready = agent.not_ready().is_none();
            Answer {
                kind: "text/plain; version=0.0.4",
                ..Answer::text(200, report::metrics(&agent.environment, agent.times(), ready))
            }
        }
        "/resolve" => match request.parameter("name") {
            None => missing("name"),
            Some(name) => {
                let value = client::resolve(&name);
                Answer::json(if value["error"].is_null() { 200 } else { 502 }, &value)
            }
        },
        "/connect" => match request.parameter("address") {
            None => missing("address"),
            Some(address) => {
                let value = client::connect(&address);
                Answer::json(if value["error"].is_null() { 200 } else { 502 }, &value)
            }
        },
        _ => Answer::text(404, "there are /healthz /info /metrics /resolve?name=HOST /connect?address=HOST:PORT\n"),
    }
}
