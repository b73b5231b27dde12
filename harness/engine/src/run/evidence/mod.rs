//! Evidence: what is known of a failed run, written into one folder before its cluster is removed.
//!
//! Best effort, under one deadline. What needs nobody's answer is written first; the rest is asked for side by side,
//! each under a deadline of its own, so that neither a dead API server nor a dead node keeps the others from being
//! heard. What could not be collected is listed in `missing.txt`. Secrets are never asked for.

mod events;
mod failure_text;
mod folder;
mod nodes;
mod objects;
mod pod_logs;
mod tail;
#[cfg(test)]
mod testing;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use rollcall_model::Event;
use tokio::time::{Instant, timeout, timeout_at};

use self::{
    folder::{Folder, file_name},
    tail::Tail,
};
use super::{Ended, Interrupt, emit::Emitter};
use crate::{
    clock,
    cluster::Cluster,
    error::{Result, chain},
    patience,
};

/// How long collecting may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    whole: Duration,
    /// Of one part: a kubelet that is cut off answers to nobody.
    part: Duration,
}

const LIMITS: Limits = Limits { whole: Duration::from_secs(20), part: Duration::from_secs(8) };
/// How many parts are asked for at once.
const AT_ONCE: usize = 32;
/// As much of the end of a node's log as is kept.
const MOST_OF_A_NODE_LOG: usize = 4 << 20;

/// Where evidence goes unless somebody says otherwise: beside what else is built, in the nearest folder `target` of the
/// working directory or one above it; otherwise in the working directory.
#[must_use]
pub fn evidence_folder() -> PathBuf {
    const FOLDER: &str = "rollcall-evidence";
    let here = std::env::current_dir().unwrap_or_default();
    let target = here.ancestors().map(|folder| folder.join("target")).find(|target| target.is_dir());
    match target {
        Some(target) => target.strip_prefix(&here).unwrap_or(&target).join(FOLDER),
        None => FOLDER.into(),
    }
}

/// Collects the evidence of a run that did not hold, while its cluster is there. A run that was interrupted is not
/// held up for it.
///
/// Gives the folder, if there is one.
pub(super) async fn collect(
    parent: Option<&Path>,
    scenario: &str,
    ended: &Ended,
    interrupt: &Interrupt,
    emitter: &mut Emitter<'_>,
) -> Option<PathBuf> {
    let (Some(parent), Some(cluster)) = (parent, &ended.cluster) else { return None };
    if ended.verdict.is_held() || ended.interrupted {
        return None;
    }
    let collected = async {
        let folder = Folder::create(parent, scenario, clock::now())?;
        write_what_is_known(&folder, ended, cluster, emitter);
        fill(&folder, parts(&folder, cluster).await, interrupt, LIMITS).await;
        folder.finish()
    };
    match collected.await {
        Ok(path) => {
            emitter.emit(Event::EvidenceCollected { path: path.display().to_string() });
            Some(path)
        }
        Err(error) => {
            // The verdict stands without it, so this changes nothing but has to be said.
            tracing::warn!(scenario, error = chain(&error), "no evidence could be written");
            None
        }
    }
}

/// Writes what needs nobody's answer.
fn write_what_is_known(folder: &Folder, ended: &Ended, cluster: &Cluster, emitter: &Emitter<'_>) {
    let recorded = emitter.recorded();
    folder.write("failure.txt", failure_text::text(recorded, &ended.verdict, ended.failure.as_ref()).as_bytes());
    match failure_text::recording(recorded) {
        Ok(text) => folder.write("recording.jsonl", text.as_bytes()),
        Err(error) => folder.lacks("recording.jsonl", format!("it could not be written as JSON: {error}")),
    }
    let world = cluster.world_of_run();
    folder.write("nodes.txt", nodes::text(&world).as_bytes());
    folder.write("events.txt", events::text(&world).as_bytes());
    objects::write(&world, folder);
}

/// Names and contents.
type Files = Vec<(String, Vec<u8>)>;

/// One part of the evidence that somebody has to be asked for.
struct Part<'a> {
    /// The file or folder.
    name: String,
    /// The files it is made of.
    files: BoxFuture<'a, Result<Files>>,
}

impl<'a> Part<'a> {
    fn file(name: impl Into<String>, content: impl Future<Output = Result<Vec<u8>>> + Send + 'a) -> Self {
        let name = name.into();
        let file = name.clone();
        let files = async move { Ok(vec![(file, content.await?)]) }.boxed();
        Self { name, files }
    }
}

/// Everything there is to ask for.
async fn parts<'a>(folder: &'a Folder, cluster: &'a Cluster) -> Vec<Part<'a>> {
    let client = cluster.client();
    let wanted = pod_logs::wanted(&cluster.world_of_run());
    for (name, why) in wanted.missing {
        folder.lacks(&name, why);
    }
    let mut parts = vec![
        Part::file("objects/services.json", objects::services(client)),
        Part::file("objects/configmaps.json", objects::config_maps(client)),
    ];
    parts.extend(cluster.node_names().await.into_iter().map(|node| node_logs(folder, cluster, node)));
    parts
        .extend(wanted.logs.into_iter().map(|log| Part::file(log.file.clone(), async move { log.read(client).await })));
    parts
}

/// The logs of a node's own programs.
fn node_logs<'a>(folder: &'a Folder, cluster: &'a Cluster, node: String) -> Part<'a> {
    let name = format!("nodes/{}", file_name(&node));
    let below = name.clone();
    let files = async move {
        let found = cluster.node_logs(&node).await?;
        if found.truncated {
            folder.lacks(&below, "the node's logs are so long that not all of them were read");
        }
        let files = found.files.into_iter().filter(|(file, _)| file.ends_with(".log"));
        Ok(files
            .map(|(file, content)| (format!("{below}/{}", file_name(&file)), Tail::of(&content, MOST_OF_A_NODE_LOG)))
            .collect())
    };
    Part { name, files: files.boxed() }
}

/// Writes each part as it comes, and notes those that do not.
async fn fill(folder: &Folder, parts: Vec<Part<'_>>, interrupt: &Interrupt, limits: Limits) {
    let end = Instant::now() + patience::stretched(limits.whole);
    let mut left: BTreeSet<String> = parts.iter().map(|part| part.name.clone()).collect();
    let mut answers = stream::iter(parts)
        .map(|part| async move { (part.name, timeout(patience::stretched(limits.part), part.files).await) })
        .buffer_unordered(AT_ONCE);
    let why = loop {
        let next = tokio::select! {
            next = timeout_at(end, answers.next()) => next,
            () = interrupt.triggered() => break "the run was interrupted".to_owned(),
        };
        let (name, answer) = match next {
            Ok(Some(answer)) => answer,
            Ok(None) => return,
            Err(_) => break format!("it did not come within the {:?} that the whole may take", limits.whole),
        };
        left.remove(&name);
        match answer {
            Ok(Ok(files)) => files.iter().for_each(|(file, content)| folder.write(file, content)),
            Ok(Err(error)) => folder.lacks(&name, chain(&error)),
            Err(_) => folder.lacks(&name, format!("no answer within {:?}", limits.part)),
        }
    };
    for name in left {
        folder.lacks(&name, why.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{error::Error, run::Interrupter};

    fn missing(path: &Path) -> String {
        std::fs::read_to_string(path.join("missing.txt")).unwrap()
    }

    const SHORT: Limits = Limits { whole: Duration::from_millis(250), part: Duration::from_millis(100) };

    #[test]
    fn a_folder_can_be_explained_afterwards() {
        use rollcall_model::{
            DaemonSetRef, Stamped, Timestamp,
            explain::{Answer, Question},
        };

        let (_parent, folder) = testing::folder();
        let world = testing::world();
        objects::write(&world, &folder);
        let at: Timestamp = "2026-11-24T10:20:30Z".parse().unwrap();
        let end = Stamped { at, elapsed_ms: 0, event: Event::EvidenceCollected { path: "x".into() } };
        folder.write("recording.jsonl", failure_text::recording(&[end]).unwrap().as_bytes());
        let wanted = pod_logs::wanted(&world);
        wanted.logs.iter().for_each(|log| folder.write(&log.file, b"cannot go on\n"));
        folder.write("objects/configmaps.json", b"[{\"namespace\": \"default\", \"name\": \"a\"}]");
        let dump = crate::Dump::read(&folder.finish().unwrap()).unwrap();
        assert_eq!(dump.moment, at);
        let Answer::One(found) = dump.explain(&Question::One(DaemonSetRef::new("log-collector"))).unwrap() else {
            panic!("one was asked for");
        };
        insta::assert_snapshot!(found, @r#"
        daemonset default/log-collector: no node is meant

        NODE           STATE  POD                  WHY
        control-plane  kept   log-collector-aaaaa  taint-not-tolerated
        worker-1       extra  log-collector-bbbbb  pod-not-removed, taint-not-tolerated

        controller-behind of daemonset default/log-collector (proven)
          the controller has not seen its latest change
          seen: status.observedGeneration: 1, and metadata.generation is 2
          remedy: wait; if it stays so, see that the kube-controller-manager runs and read its log: a quota or a webhook may refuse the revision that it keeps of each template

        no-eligible-node of daemonset default/log-collector (proven)
          none of 2 nodes is eligible
          seen: nodes: each says below why it is not
          remedy: change what every node fails by: `nodeSelector`, required affinity, or tolerations

        taint-not-tolerated on control-plane (proven)
          taint `node-role.kubernetes.io/control-plane:NoSchedule` is not tolerated
          seen: spec.taints: node-role.kubernetes.io/control-plane:NoSchedule
          remedy: tolerate it, or remove it from the node control-plane
          command: kubectl -n default patch daemonset log-collector --type=json -p '[{"op":"add","path":"/spec/template/spec/tolerations","value":[{"effect":"NoSchedule","key":"node-role.kubernetes.io/control-plane","operator":"Exists"}]}]'

        pod-not-removed on worker-1 (likely)
          pod `log-collector-bbbbb` should be gone: its node is not eligible any more
          seen: metadata.deletionTimestamp: missing
          remedy: wait for the controller; if it stays so, look whether the kube-controller-manager runs

        taint-not-tolerated on worker-1 (proven)
          taint `a=b:NoExecute` is not tolerated
          seen: spec.taints: a=b:NoExecute
          remedy: tolerate it, or remove it from the node worker-1
          command: kubectl -n default patch daemonset log-collector --type=json -p '[{"op":"add","path":"/spec/template/spec/tolerations","value":[{"effect":"NoExecute","key":"a","operator":"Exists"}]}]'

        not looked at: pods of other namespaces, which may hold ports and resources: the dump has none
        "#);
    }

    #[tokio::test]
    async fn a_part_that_never_answers_or_fails_takes_nothing_from_the_others() {
        let (_parent, folder) = testing::folder();
        let parts = vec![
            Part::file("silent", std::future::pending()),
            Part::file("failing", async { Err(Error::usage("no such thing")) }),
            Part::file("pods/good.log", async { Ok(b"good".to_vec()) }),
        ];
        let started = clock::instant();
        fill(&folder, parts, &Interrupt::default(), SHORT).await;
        assert!(started.elapsed() < SHORT.whole, "{:?}", started.elapsed());
        let path = folder.finish().unwrap();
        assert_eq!(std::fs::read(path.join("pods/good.log")).unwrap(), b"good");
        insta::assert_snapshot!(missing(&path), @"
        failing: no such thing
        silent: no answer within 100ms
        ");
    }

    #[tokio::test]
    async fn the_whole_ends_at_its_deadline_and_names_what_is_left() {
        let (_parent, folder) = testing::folder();
        let silent = |number: usize| Part::file(format!("silent-{number:03}"), std::future::pending());
        let started = clock::instant();
        fill(&folder, (0..AT_ONCE * 4).map(silent).collect(), &Interrupt::default(), SHORT).await;
        assert!(started.elapsed() >= SHORT.whole, "{:?}", started.elapsed());
        let text = missing(&folder.finish().unwrap());
        assert_eq!(text.lines().count(), AT_ONCE * 4, "{text}");
        let late =
            text.lines().filter(|line| line.ends_with("it did not come within the 250ms that the whole may take"));
        assert!(late.count() >= AT_ONCE, "{text}");
    }

    #[tokio::test]
    async fn an_interruption_ends_it_at_once() {
        let (_parent, folder) = testing::folder();
        let (interrupter, interrupt) = Interrupter::new();
        interrupter.trigger();
        fill(&folder, vec![Part::file("silent", std::future::pending())], &interrupt, LIMITS).await;
        assert_eq!(missing(&folder.finish().unwrap()), "silent: the run was interrupted\n");
    }
}
