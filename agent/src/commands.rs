//! The commands for `kubectl exec` and exec probes, since the image has no shell and no tools.

use std::io::Write;

use crate::client;
use crate::environment::Environment;
use crate::stdio::{FAILED, OK, USAGE, complain, say};

const USE: &str = "agent [get URL | resolve NAME | connect HOST:PORT | touch PATH | cat PATH | ready | version]";

/// Runs one command; gives the exit code.
pub(crate) fn run(arguments: &[String]) -> u8 {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["get", url] => get(url),
        ["resolve", name] => told(&client::resolve(name)),
        ["connect", address] => told(&client::connect(address)),
        ["touch", path] => touch(path),
        ["cat", path] => cat(path),
        ["ready"] => ready(),
        ["version"] => Environment::read().map(|environment| say(&environment.version)),
        _ => {
            complain(&format!("`{}` is no command\n(hint: {USE})", words.join(" ")));
            return USAGE;
        }
    };
    match result {
        Ok(()) => OK,
        Err(message) => {
            if !message.is_empty() {
                complain(&message);
            }
            FAILED
        }
    }
}

/// The body goes to standard output whatever the status, because it says why.
fn get(url: &str) -> Result<(), String> {
    let reply = client::get(url)?;
    write(reply.body.as_bytes())?;
    if (200..300).contains(&reply.status) {
        Ok(())
    } else {
        Err(format!("`{url}` answered with status {}", reply.status))
    }
}

/// The value has the error in it already.
fn told(value: &serde_json::Value) -> Result<(), String> {
    say(&value.to_string());
    if value["error"].is_null() { Ok(()) } else { Err(String::new()) }
}

fn touch(path: &str) -> Result<(), String> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.map(|_| ()).map_err(|error| format!("could not create `{path}`: {error}"))
}

fn cat(path: &str) -> Result<(), String> {
    let content = std::fs::read(path).map_err(|error| format!("could not read `{path}`: {error}"))?;
    write(&content)
}

fn ready() -> Result<(), String> {
    let listen = Environment::read()?.listen.ok_or("serving is switched off by `AGENT_PORT=0`")?;
    let local = listen.local().ok_or(format!("`AGENT_ADDRESS` is `{}`, not an IP address", listen.address))?;
    let reply = client::get(&format!("http://{local}/healthz"))?;
    if reply.status == 200 { Ok(()) } else { Err(reply.body.trim().to_owned()) }
}

fn write(bytes: &[u8]) -> Result<(), String> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| format!("could not write: {error}"))
}
