//! The network of a cluster: a bridge of its own, with addresses that nothing else on the host uses.

use std::{collections::HashMap, net::Ipv4Addr};

use testcontainers::bollard::{
    models::{Ipam, IpamConfig, NetworkCreateRequest},
    query_parameters::ListNetworksOptionsBuilder,
};

use super::{Docker, client::is_status};
use crate::error::{Error, Result};

/// A bridge network with a /24 of its own.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) name: String,
    /// The first three octets; the gateway is `.1`.
    pub(crate) prefix: [u8; 3],
}

/// The second octets rollcall takes its /24 networks from: 10.200.0.0/16 to 10.215.0.0/16, outside the ranges that
/// Docker hands out itself (172.17–31, 192.168) and outside the pods' and Services' (10.244, 10.96).
const SECOND_OCTETS: std::ops::Range<u8> = 200..216;

impl Network {
    /// The address of the member with this number.
    pub(crate) fn address(&self, number: u8) -> Ipv4Addr {
        let [a, b, c] = self.prefix;
        Ipv4Addr::new(a, b, c, number)
    }
}

impl Docker {
    /// Makes a network on the first free /24, starting at one that depends on `seed` so that runs side by side rarely
    /// try the same.
    ///
    /// As with containers, the engine goes on when nobody waits any more, and so does this.
    pub(crate) async fn create_network(
        &self,
        name: &str,
        labels: &HashMap<String, String>,
        seed: u64,
    ) -> Result<Network> {
        let (docker, name, labels) = (self.clone(), name.to_owned(), labels.clone());
        let creation = async move { docker.create_network_now(&name, &labels, seed).await };
        self.in_flight.finish("a new network", creation).await
    }

    async fn create_network_now(&self, name: &str, labels: &HashMap<String, String>, seed: u64) -> Result<Network> {
        let count = u64::from(SECOND_OCTETS.end - SECOND_OCTETS.start) * 256;
        let used = host_routes();
        let mut last = None;
        for attempt in 0..count {
            let index = (seed + attempt) % count;
            let second = SECOND_OCTETS.start + u8::try_from(index / 256).unwrap_or(0);
            let third = u8::try_from(index % 256).unwrap_or(0);
            let prefix = [10, second, third];
            if used.iter().any(|route| route.overlaps(prefix)) {
                continue;
            }
            let request = NetworkCreateRequest {
                name: name.into(),
                driver: Some("bridge".into()),
                labels: Some(labels.clone()),
                ipam: Some(Ipam {
                    config: Some(vec![IpamConfig {
                        subnet: Some(format!("10.{second}.{third}.0/24")),
                        gateway: Some(format!("10.{second}.{third}.1")),
                        ..Default::default()
                    }]),
                    ..Default::default()
                }),
                // Nothing may leave the machine; without masquerading an answer could not find its way back anyway.
                options: Some(HashMap::from([(
                    "com.docker.network.bridge.enable_ip_masquerade".to_owned(),
                    "false".to_owned(),
                )])),
                ..Default::default()
            };
            match self.api.create_network(request).await {
                Ok(_) => return Ok(Network { name: name.into(), prefix }),
                Err(error) if is_overlap(&error) => last = Some(error),
                Err(source) => return Err(Error::Engine { action: "create network", object: name.into(), source }),
            }
        }
        match last {
            Some(source) => {
                Err(Error::Engine { action: "find a free address range for network", object: name.into(), source })
            }
            None => Err(Error::usage("every address range from 10.200.0.0 to 10.215.255.255 is in use on this host")),
        }
    }

    /// Finds the network again that an earlier process made.
    pub(crate) async fn find_network(&self, name: &str) -> Result<Option<Network>> {
        let found = match self.api.inspect_network(name, None).await {
            Ok(found) => found,
            Err(error) if is_status(&error, 404) => return Ok(None),
            Err(source) => return Err(Error::Engine { action: "inspect network", object: name.into(), source }),
        };
        let prefix = found
            .ipam
            .and_then(|ipam| ipam.config)
            .and_then(|configs| configs.into_iter().find_map(|config| config.subnet))
            .and_then(|subnet| subnet.split('/').next()?.parse::<Ipv4Addr>().ok())
            .map(|address| {
                let [a, b, c, _] = address.octets();
                [a, b, c]
            });
        Ok(prefix.map(|prefix| Network { name: name.into(), prefix }))
    }

    /// Removes a network; one that is gone already is no error.
    pub(crate) async fn remove_network(&self, name: &str) -> Result<()> {
        match self.api.remove_network(name).await {
            Ok(()) => Ok(()),
            Err(error) if is_status(&error, 404) => Ok(()),
            Err(source) => Err(Error::Engine { action: "remove network", object: name.into(), source }),
        }
    }

    /// Names and labels of the networks that carry a label.
    pub(crate) async fn networks_labelled(&self, label: &str) -> Result<Vec<(String, HashMap<String, String>)>> {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let found = self
            .api
            .list_networks(Some(ListNetworksOptionsBuilder::default().filters(&filters).build()))
            .await
            .map_err(|source| Error::Engine { action: "list networks with label", object: label.into(), source })?;
        Ok(found.into_iter().filter_map(|network| Some((network.name?, network.labels.unwrap_or_default()))).collect())
    }
}

fn is_overlap(error: &testcontainers::bollard::errors::Error) -> bool {
    let text = error.to_string();
    text.contains("overlaps") || text.contains("conflicts with network")
}

/// A route of the host.
struct Route {
    destination: u32,
    mask: u32,
}

impl Route {
    fn overlaps(&self, [a, b, c]: [u8; 3]) -> bool {
        let ours = u32::from(Ipv4Addr::new(a, b, c, 0));
        let common = self.mask & 0xffff_ff00;
        // The default route covers everything and says nothing about use.
        self.mask != 0 && (self.destination & common) == (ours & common)
    }
}

/// The host's IPv4 routes, where they can be read (an engine elsewhere checks its own host by itself).
fn host_routes() -> Vec<Route> {
    let Ok(table) = std::fs::read_to_string("/proc/net/route") else { return Vec::new() };
    parse_routes(&table)
}

fn parse_routes(table: &str) -> Vec<Route> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let destination = u32::from_str_radix(fields.nth(1)?, 16).ok()?;
            let mask = u32::from_str_radix(fields.nth(5)?, 16).ok()?;
            // The kernel prints both in network order read as a little-endian number.
            Some(Route { destination: destination.swap_bytes(), mask: mask.swap_bytes() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::parse_routes;

    const TABLE: &str = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        br-1\t0000C90A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

    #[test]
    fn a_route_of_the_host_is_avoided_and_the_default_route_is_not() {
        let routes = parse_routes(TABLE);
        assert_eq!(routes.len(), 2);
        assert!(routes.iter().any(|route| route.overlaps([10, 201, 0])));
        assert!(!routes.iter().any(|route| route.overlaps([10, 202, 0])));
    }
}
