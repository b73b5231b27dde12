//! Running on a cluster that was there before: as a guest who asks first, stays in one namespace, writes down what is
//! changed outside of it, and leaves nothing.

mod guard;
mod journal;
mod leave;
mod lens;
mod needs;
mod objects;
mod place;
mod rights;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use k8s_openapi::api::core::v1::Node;
use kube::{
    Client, Config,
    client::ClientBuilder,
    config::{KubeConfigOptions, Kubeconfig},
};
use rollcall_model::{Judgement, Plan, Report, World, world::view};
use serde_json::Value;
use tokio::sync::Mutex;
use tower::util::MapRequestLayer;

pub use self::leave::{Left, clean_attached};
pub(crate) use self::{journal::Undo, leave::leave, lens::Lens};
use crate::{
    cluster::Cluster,
    error::{Error, Result},
    images::ImageSource,
};

/// How long the API server may take to list what is there.
const FIRST_LOOK: Duration = Duration::from_secs(30);

/// Which cluster a run is a guest of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attach {
    /// The kubeconfig; what `KUBECONFIG` or the home directory says where it is left out.
    pub kubeconfig: Option<PathBuf>,
    /// The context. It is never taken from the file: a command in the wrong window must not hit the current one.
    pub context: String,
    /// The context once more, for a cluster that looks as if people depended on it.
    pub meant: Option<String>,
}

/// What a guest has to keep in mind.
pub(crate) struct Attached {
    /// Sees the cluster as it is.
    client: Client,
    lens: Lens,
    /// What takes the place of images, by the name in manifests.
    images: BTreeMap<String, String>,
    /// How many changes are written down.
    written: Mutex<usize>,
}

impl Attached {
    /// The namespace of the run.
    pub(crate) fn namespace(&self) -> &str {
        self.lens.own()
    }

    /// How namespaces are called.
    pub(crate) fn lens(&self) -> &Lens {
        &self.lens
    }

    /// Writes down a change that is about to be made. Where that fails the change must not be made.
    pub(crate) async fn record(&self, undo: &Undo) -> Result<()> {
        let mut written = self.written.lock().await;
        journal::write(&self.client, self.namespace(), *written, undo).await?;
        *written += 1;
        Ok(())
    }

    /// Writes down the taints of these keys before they are changed.
    pub(crate) async fn record_taints(&self, node: &Node, keys: Vec<String>) -> Result<()> {
        let were = journal::taints(node, &keys);
        self.record(&Undo::Taints { node: view::name_of(&node.metadata).to_owned(), keys, were }).await
    }

    /// An object as it is sent to the cluster.
    pub(crate) fn outward(&self, object: &Value) -> Value {
        let mut object = objects::placed(object.clone(), self.namespace());
        objects::substituted(&mut object, &self.images);
        object
    }

    /// The image that is meant by a name.
    pub(crate) fn image<'a>(&'a self, name: &'a str) -> &'a str {
        self.images.get(name).map_or(name, String::as_str)
    }

    /// Undoes every change and removes the namespace.
    pub(crate) async fn leave(&self) -> Result<()> {
        leave::leave_with(&self.client, self.namespace()).await
    }
}

/// A node of this name, or what is there instead.
pub(crate) fn node_of<'a>(world: &'a World, context: &str, node: &str) -> Result<&'a Node> {
    if let Some(found) = world.nodes.get(node) {
        return Ok(found);
    }
    let names: Vec<&str> = world.nodes.keys().map(String::as_str).collect();
    let hint = match rollcall_model::diagnostic::nearest(node, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the nodes are {}", names.join(", ")),
    };
    Err(Error::usage_hint(format!("the cluster of context `{context}` has no node `{node}`"), hint))
}

/// Joins a cluster for one run: nothing of it is changed unless all of the plan can be done, and undone.
pub(crate) async fn join(
    attach: &Attach,
    plan: &Plan,
    run: &str,
    images: &[(String, ImageSource)],
) -> Result<(Cluster, String)> {
    crate::tls::install_provider();
    let images = substitutes(plan, images)?;
    refuse_what_is_out_of_reach(attach, plan)?;
    let kubeconfig = crate::kubeconfig::of_context(attach.kubeconfig.as_deref(), Some(&attach.context))?;
    let namespace = format!("rollcall-{run}");
    let lens = Lens::new(&namespace);
    let client = client(&kubeconfig, None).await?;
    place::check_version(&client, attach, plan).await?;
    let manifests = place::Manifests::of(plan, &client).await?;
    let mut wanted = needs::rights(plan);
    wanted.extend(manifests.rights());
    let missing = rights::missing(&client, &namespace, wanted).await?;
    if !missing.is_empty() {
        let list: Vec<String> = missing.iter().map(|right| format!("\n  {right}")).collect();
        return Err(Error::usage_hint(
            format!("context `{}` lacks rights that scenario `{}` needs:{}", attach.context, plan.name, list.concat()),
            "ask for them, or use a context that has them",
        ));
    }
    manifests.check(&client, plan).await?;
    // What a dead run left could be in the way: a taint, a label, an object without a namespace.
    if let Err(error) = leave::finish(&client, false).await {
        tracing::warn!(error = crate::error::chain(&error), "could not remove what an earlier run left");
    }
    let guest = Attached { client: client.clone(), lens: lens.clone(), images, written: Mutex::default() };
    let seen = self::client(&kubeconfig, Some(lens)).await?;
    let cluster = Cluster::of_guest(&attach.context, guest, seen, text_of(kubeconfig, &namespace)?);
    first_look(&cluster).await?;
    guard::check(&cluster.world(), &attach.context, attach.meant.as_deref())?;
    for node in &plan.cluster.nodes {
        let found = node_of(&cluster.world(), &attach.context, &node.name).map(view::role_of)?;
        if found != node.role {
            let message = format!(
                "node `{}` is a {found} node, and scenario `{}` needs a {} node",
                node.name, plan.name, node.role
            );
            return Err(Error::usage_hint(message, "name the nodes of the cluster in the scenario"));
        }
    }
    // From here on whoever gives up leaves nothing.
    let cluster = cluster.leaves_when_dropped();
    let prepared = async {
        place::make_namespace(&client, &namespace, &plan.name).await?;
        journal::begin(&client, &namespace).await?;
        prepare_nodes(&cluster, plan).await
    };
    match prepared.await {
        Ok(()) => Ok((cluster, namespace)),
        Err(error) => {
            // Its failure must not hide the first one.
            if let Err(second) = cluster.destroy().await {
                tracing::warn!(namespace, error = crate::error::chain(&second), "could not remove a namespace");
            }
            Err(error)
        }
    }
}

/// The labels and taints that nodes have from the start.
async fn prepare_nodes(cluster: &Cluster, plan: &Plan) -> Result<()> {
    for node in &plan.cluster.nodes {
        if !node.labels.is_empty() {
            cluster.label_node(&node.name, &node.labels).await?;
        }
        for taint in &node.taints {
            cluster.taint_node(&node.name, taint).await?;
        }
    }
    Ok(())
}

async fn first_look(cluster: &Cluster) -> Result<()> {
    let what = format!("a first look at the cluster of context `{}`", cluster.name());
    let seen = cluster.observer().wait(what, FIRST_LOOK, |world, _| {
        if world.synced() {
            return Judgement::Done;
        }
        Judgement::NotYet(Report { summary: "not everything is listed yet".into(), nodes: Vec::new() })
    });
    seen.await.map(drop)
}

fn refuse_what_is_out_of_reach(attach: &Attach, plan: &Plan) -> Result<()> {
    let found = needs::out_of_reach(plan);
    if found.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = found.iter().map(|why| format!("\n  {why}")).collect();
    Err(Error::usage_hint(
        format!(
            "scenario `{}` needs what cannot be done on the cluster of context `{}`:{}",
            plan.name,
            attach.context,
            list.concat()
        ),
        "run it on a cluster of its own, without `--context`",
    ))
}

/// What takes the place of images: the cluster pulls its own, so only a name can be given for a name.
fn substitutes(plan: &Plan, overrides: &[(String, ImageSource)]) -> Result<BTreeMap<String, String>> {
    let mut images: BTreeMap<String, String> =
        plan.images.iter().map(|image| (image.name.clone(), image.image.clone())).collect();
    for (name, source) in overrides {
        let ImageSource::Local(image) = source else {
            return Err(Error::usage_hint(
                format!("image `{name}` comes from a file, which a cluster that rollcall did not make cannot have"),
                "push it to a registry that the cluster pulls from, and give its name there",
            ));
        };
        images.insert(name.clone(), image.clone());
    }
    Ok(images)
}

/// The kubeconfig for commands that scenarios run: what they name no namespace for is in that of the run.
fn text_of(mut kubeconfig: Kubeconfig, namespace: &str) -> Result<String> {
    for context in kubeconfig.contexts.iter_mut().filter_map(|context| context.context.as_mut()) {
        context.namespace = Some(namespace.to_owned());
    }
    serde_json::to_string(&kubeconfig).map_err(|source| Error::File {
        action: "write",
        path: "the kubeconfig of the context".into(),
        source: source.into(),
    })
}

pub(crate) async fn client(kubeconfig: &Kubeconfig, lens: Option<Lens>) -> Result<Client> {
    let failed = |source: kube::Error| Error::Kubernetes {
        action: "make a client for",
        object: "the cluster".into(),
        source: Box::new(source),
    };
    let builder = ClientBuilder::try_from(config(kubeconfig).await?).map_err(failed)?;
    Ok(match lens {
        None => builder.build(),
        Some(lens) => builder.with_layer(&MapRequestLayer::new(move |request| lens.outward_request(request))).build(),
    })
}

/// How to reach what a kubeconfig's current context names.
pub(crate) async fn config(kubeconfig: &Kubeconfig) -> Result<Config> {
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig.clone(), &options)
        .await
        .map_err(|source| Error::usage(format!("the kubeconfig cannot be used: {source}")))?;
    // Our own requests know their deadlines.
    config.default_retry = false;
    Ok(config)
}
