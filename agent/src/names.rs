//! Looks a name up as the pod's `/etc/hosts` and `/etc/resolv.conf` say.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::dns::{self, Failure};

const WAIT: Duration = Duration::from_secs(2);
const TRIES: u32 = 2;

/// What `/etc/resolv.conf` says.
#[derive(Debug, PartialEq, Eq)]
struct Resolver {
    servers: Vec<IpAddr>,
    search: Vec<String>,
    dots: usize,
}

/// # Errors
///
/// No address, as a message that names the name and the reason.
pub(crate) fn look_up(name: &str) -> Result<Vec<IpAddr>, String> {
    if let Ok(address) = name.parse() {
        return Ok(vec![address]);
    }
    let addresses = in_hosts(&read("/etc/hosts"), name);
    if !addresses.is_empty() {
        return Ok(addresses);
    }
    let resolver = Resolver::parse(&read("/etc/resolv.conf"));
    let mut reason = "not a name".to_owned();
    for candidate in resolver.candidates(name) {
        match resolver.ask(&candidate) {
            Ok(addresses) => return Ok(addresses),
            Err(Answered::No(failure)) => reason = failure.to_string(),
            // A server that does not answer would only cost the same wait again for every other candidate.
            Err(Answered::Nothing(why)) => {
                return Err(format!("could not look up `{name}`: {why}"));
            }
        }
    }
    Err(format!("could not look up `{name}`: {reason}"))
}

/// Resolves `HOST:PORT`; an IPv6 address stands in brackets.
///
/// # Errors
///
/// Not of that form, or no address, as a message.
pub(crate) fn endpoint(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = parts.ok_or(format!("`{text}` is not an address such as `HOST:PORT`"))?;
    let addresses = look_up(host)?;
    Ok(SocketAddr::new(addresses[0], port))
}

enum Answered {
    No(Failure),
    Nothing(String),
}

impl Resolver {
    fn parse(text: &str) -> Resolver {
        let mut resolver = Resolver { servers: Vec::new(), search: Vec::new(), dots: 1 };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    resolver.servers.extend(words.next().and_then(|word| word.parse::<IpAddr>().ok()))
                }
                Some("search") => resolver.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    let dots = words.filter_map(|word| word.strip_prefix("ndots:")?.parse().ok()).next_back();
                    resolver.dots = dots.unwrap_or(resolver.dots);
                }
                _ => {}
            }
        }
        resolver
    }

    /// In the order of resolv.conf(5): names with few dots go through the search list before they are taken as they are.
    fn candidates(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let mut candidates: Vec<String> = self.search.iter().map(|domain| format!("{name}.{domain}")).collect();
        let place = if name.matches('.').count() >= self.dots { 0 } else { candidates.len() };
        candidates.insert(place, name.to_owned());
        candidates
    }

    fn ask(&self, name: &str) -> Result<Vec<IpAddr>, Answered> {
        let mut reason = "`/etc/resolv.conf` names no server".to_owned();
        for server in self.servers.iter().cycle().take(self.servers.len() * TRIES as usize) {
            match ask(*server, name) {
                Ok(Ok(addresses)) => return Ok(addresses),
                // It is the same everywhere whether a name exists; another failure may be this server's own.
                Ok(Err(failure @ (Failure::NoSuchName | Failure::NoAddress))) => {
                    return Err(Answered::No(failure));
                }
                Ok(Err(failure)) => reason = format!("{failure} (`{server}`)"),
                Err(error) => reason = format!("no answer from `{server}`: {error}"),
            }
        }
        Err(Answered::Nothing(reason))
    }
}

fn ask(server: IpAddr, name: &str) -> std::io::Result<Result<Vec<IpAddr>, Failure>> {
    // Guessing the number gains nothing here: the answer is only reported.
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let id = (since.subsec_nanos() >> 8) as u16;
    let Some(question) = dns::question(id, name) else {
        return Ok(Err(Failure::NoSuchName));
    };
    let socket = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    socket.connect((server, 53))?;
    socket.send(&question)?;
    let deadline = Instant::now() + WAIT;
    let mut packet = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // A zero timeout would mean none at all.
        socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        let length = socket.recv(&mut packet).map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => std::io::Error::from(std::io::ErrorKind::TimedOut),
            _ => error,
        })?;
        match dns::answer(id, &packet[..length]) {
            // Perhaps a late answer to something else.
            Err(Failure::Malformed) if !left.is_zero() => {}
            result => {
                return Ok(result.map(|addresses| addresses.into_iter().map(IpAddr::from).collect()));
            }
        }
    }
}

fn in_hosts(text: &str, name: &str) -> Vec<IpAddr> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let address = |line: &str| {
        let mut words = line.split_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    };
    let mut addresses: Vec<IpAddr> = lines.filter_map(address).collect();
    // The agent serves and most pods listen on IPv4.
    addresses.sort_by_key(|address| !address.is_ipv4());
    addresses
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str =
        "search default.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\noptions edns0 ndots:5\n";

    #[test]
    fn a_short_name_goes_through_the_search_list_first() {
        let resolver = Resolver::parse(POD);
        assert_eq!(resolver.servers, ["10.96.0.10".parse::<IpAddr>().unwrap()]);
        assert_eq!(
            resolver.candidates("kubernetes"),
            ["kubernetes.default.svc.cluster.local", "kubernetes.svc.cluster.local", "kubernetes"]
        );
        assert_eq!(resolver.candidates("a.b.c.d.e.f")[0], "a.b.c.d.e.f");
        assert_eq!(resolver.candidates("kubernetes."), ["kubernetes."]);
    }

    #[test]
    fn nonsense_in_the_configuration_is_passed_over() {
        let resolver = Resolver::parse("nameserver\nnameserver x\nfoo bar\noptions ndots:x\n\n;");
        assert_eq!(resolver, Resolver { servers: vec![], search: vec![], dots: 1 });
    }

    #[test]
    fn hosts_come_before_servers_and_ipv4_before_ipv6() {
        let text = "::1 localhost # me\n127.0.0.1 localhost\n10.0.0.2 worker-1 w1\n#10.0.0.3 w2\n";
        assert_eq!(in_hosts(text, "localhost")[0], "127.0.0.1".parse::<IpAddr>().unwrap());
        assert_eq!(in_hosts(text, "W1"), ["10.0.0.2".parse::<IpAddr>().unwrap()]);
        assert_eq!(in_hosts(text, "w2"), [] as [IpAddr; 0]);
    }

    #[test]
    fn an_endpoint_needs_a_port() {
        assert_eq!(endpoint("127.0.0.1:80"), Ok("127.0.0.1:80".parse().unwrap()));
        assert_eq!(endpoint("[::1]:80"), Ok("[::1]:80".parse().unwrap()));
        assert!(endpoint("127.0.0.1").unwrap_err().contains("not an address"));
        assert!(endpoint("host:http").is_err());
    }
}
