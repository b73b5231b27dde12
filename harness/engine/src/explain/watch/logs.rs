//! The logs that a diagnosis looks at, each read again when its pod has changed.

use std::collections::BTreeMap;

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use kube::Client;
use rollcall_model::{
    World,
    explain::{Extras, Question, WantedLog},
};

use super::super::collect;

/// How many logs are read at once.
const AT_ONCE: usize = 8;

/// The version of a pod.
type Version = String;
/// The last lines, or why there are none.
type Lines = Result<String, String>;

/// What was read, and what is being read.
pub(super) struct Logs {
    client: Client,
    known: BTreeMap<WantedLog, (Version, Lines)>,
    under_way: BTreeMap<WantedLog, Version>,
    reads: FuturesUnordered<BoxFuture<'static, (WantedLog, Lines)>>,
}

impl Logs {
    pub(super) fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
            known: BTreeMap::new(),
            under_way: BTreeMap::new(),
            reads: FuturesUnordered::new(),
        }
    }

    /// Begins to read what is wanted and not known, or known of an earlier state of its pod; the rest is forgotten.
    pub(super) fn read(&mut self, world: &World, question: &Question) {
        let wanted = collect::wanted(world, question);
        self.known.retain(|log, _| wanted.contains(log));
        for log in wanted {
            let pod = world.pods.get(&(log.namespace.clone(), log.pod.clone()));
            let version = pod.and_then(|pod| pod.metadata.resource_version.clone()).unwrap_or_default();
            let is_known = self.known.get(&log).is_some_and(|(of, _)| *of == version);
            if is_known || self.under_way.contains_key(&log) || self.reads.len() >= AT_ONCE {
                continue;
            }
            self.under_way.insert(log.clone(), version);
            let client = self.client.clone();
            let read = async move {
                let lines = collect::log_of(&client, &log).await;
                (log, lines)
            };
            self.reads.push(read.boxed());
        }
    }

    /// Reads everything that is wanted.
    pub(super) async fn read_all(&mut self, world: &World, question: &Question) {
        loop {
            self.read(world, question);
            if !self.are_read() {
                return;
            }
            self.next().await;
        }
    }

    /// Whether any is being read.
    pub(super) fn are_read(&self) -> bool {
        !self.reads.is_empty()
    }

    /// Waits for the next one.
    pub(super) async fn next(&mut self) {
        if let Some((log, lines)) = self.reads.next().await
            && let Some(version) = self.under_way.remove(&log)
        {
            self.known.insert(log, (version, lines));
        }
    }

    /// Those that could not be read are tried again.
    pub(super) fn try_again(&mut self) {
        self.known.retain(|_, (_, lines)| lines.is_ok());
    }

    /// Adds what was read, and why the rest was not.
    pub(super) fn add_to(&self, extras: &mut Extras) {
        let mut lacking = BTreeMap::new();
        for (log, (_, lines)) in &self.known {
            match lines {
                Ok(text) => drop(extras.logs.insert(log.clone(), text.clone())),
                Err(why) => *lacking.entry(why.clone()).or_insert(0) += 1,
            }
        }
        extras.not_looked_at.extend(collect::lacking_logs(lacking));
    }
}
