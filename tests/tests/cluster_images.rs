//! Images in a cluster: under the manifest's own name, from every source, each sent once, and nothing from outside.

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use rollcall::{
    Cluster, ErrorKind, ImageSource, PushOutcome,
    model::{Condition, DaemonSetRef, scenario::PullFault},
};
use rollcall_tests::{
    TestResult, docker,
    pods::{self, SOON, agent_on},
    refused, repository, says, suite, tests, told, unique_name,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn main() -> ExitCode {
    suite::on_one_cluster(
        &unique_name("img"),
        || Cluster::builder().workers(1).image_as("fluentd:latest", local("rollcall/agent:1")),
        tests![
            an_unmodified_manifest_runs_with_its_own_image_name,
            an_image_that_is_there_is_not_sent_again,
            another_image_takes_the_place_of_one_of_the_same_name,
            a_docker_archive_is_loaded,
            an_oci_layout_is_loaded_from_an_archive_and_from_a_directory,
            an_image_that_nobody_loaded_is_not_found_and_not_looked_for_outside,
            a_pull_fails_as_its_fault_says_and_works_again_without_it,
            a_slow_pull_takes_its_time_and_works,
            a_fault_is_of_one_name_and_of_a_name_that_is_one,
            an_image_that_is_not_there_is_refused_with_what_is_near,
            a_file_that_is_no_image_is_refused_with_its_name,
        ],
    )
}

fn local(name: &str) -> ImageSource {
    ImageSource::Local(name.into())
}

async fn an_unmodified_manifest_runs_with_its_own_image_name(cluster: &Cluster) -> TestResult {
    let manifest = repository::manifest("manifests/01-log-collector-daemonset.yaml")?;
    ensure!(manifest[0].pointer("/spec/template/spec/containers/0/image") == Some(&"fluentd:latest".into()));
    cluster.apply(&manifest).await?;
    let collector = DaemonSetRef::new("log-collector");
    cluster.wait(&Condition::Converged { daemon_set: collector.clone(), allow_none: false }, SOON).await?;
    let world = cluster.world();
    let pods = world.daemon_set(&collector).map(|found| world.pods_of(found)).context("it has been applied")?;
    ensure!(pods.len() == 2, "{} pods", pods.len());
    for pod in pods {
        let containers: Vec<_> = pod.spec.iter().flat_map(|spec| &spec.containers).collect();
        // `latest` is asked for each time: the registry has to answer.
        ensure!(containers.iter().all(|one| one.image_pull_policy.as_deref() == Some("Always")), "{containers:?}");
        ensure!(containers.iter().all(|one| one.image.as_deref() == Some("fluentd:latest")), "{containers:?}");
    }
    cluster.delete(&manifest, rollcall::model::scenario::Cascade::Background, SOON).await?;
    Ok(())
}

async fn an_image_that_is_there_is_not_sent_again(cluster: &Cluster) -> TestResult {
    let first = cluster.load_image("example.org/team/agent:7", &local("rollcall/agent:1")).await?;
    ensure!(!first.skipped && first.bytes_sent > 0, "{first:?}");
    let second = cluster.load_image("example.org/team/agent:7", &local("rollcall/agent:1")).await?;
    ensure!(second.skipped && second.bytes_sent == 0, "{second:?}");
    ensure!(second.digest == first.digest, "{first:?} {second:?}");
    runs(cluster, "example.org/team/agent:7", "1").await?;
    // By its digest too, as careful manifests have it.
    runs(cluster, &format!("example.org/team/agent@{}", first.digest), "1").await
}

async fn another_image_takes_the_place_of_one_of_the_same_name(cluster: &Cluster) -> TestResult {
    for (image, version) in [("rollcall/agent:1", "1"), ("rollcall/agent:2", "2")] {
        let outcome = cluster.load_image("moving:latest", &local(image)).await?;
        ensure!(!outcome.skipped, "{outcome:?}");
        runs(cluster, "moving:latest", version).await?;
    }
    Ok(())
}

async fn a_docker_archive_is_loaded(cluster: &Cluster) -> TestResult {
    let directory = tempfile::tempdir()?;
    let archive = directory.path().join("agent.tar");
    docker::docker(&["save", "--output", &archive.to_string_lossy(), "rollcall/agent:2"])?;
    let source = ImageSource::Archive(archive);
    sent(cluster.load_image("from-archive:1", &source).await?)?;
    runs(cluster, "from-archive:1", "2").await?;
    let again = cluster.load_image("from-archive:1", &source).await?;
    ensure!(again.skipped, "{again:?}");
    Ok(())
}

async fn an_oci_layout_is_loaded_from_an_archive_and_from_a_directory(cluster: &Cluster) -> TestResult {
    let directory = tempfile::tempdir()?;
    let layout = directory.path().join("layout");
    write_layout("rollcall/agent:1", &layout)?;
    sent(cluster.load_image("from-layout:1", &ImageSource::Layout(layout.clone())).await?)?;
    runs(cluster, "from-layout:1", "1").await?;

    let packed = directory.path().join("layout.tar");
    tar(&["--create", "--file"], &packed, &layout)?;
    sent(cluster.load_image("from-packed-layout:1", &ImageSource::Archive(packed)).await?)?;
    runs(cluster, "from-packed-layout:1", "1").await
}

async fn an_image_that_nobody_loaded_is_not_found_and_not_looked_for_outside(cluster: &Cluster) -> TestResult {
    for image in ["busybox:latest", "registry.k8s.io/coredns:v1", "quay.io/nobody/nothing:1"] {
        cluster.apply(&[agent_on("worker-1", "lost", image)]).await?;
        let message = |pod: &Pod| {
            let containers = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
            let mut waiting = containers.filter_map(|one| one.state.as_ref()?.waiting.as_ref());
            waiting.find_map(|waiting| {
                (waiting.reason.as_deref() == Some("ErrImagePull")).then(|| waiting.message.clone().unwrap_or_default())
            })
        };
        let started = std::time::Instant::now();
        let failed = |pod: Option<&Pod>| pod.is_some_and(|pod| message(pod).is_some());
        let pod = pods::wait_for(cluster, "lost", failed).await?;
        let text = message(&pod).context("it waits")?;
        says(&text, &["not found"]).context(image)?;
        for outside in ["dial tcp", "no such host", "i/o timeout", "lookup"] {
            ensure!(!text.contains(outside), "something outside was asked: {text}");
        }
        ensure!(started.elapsed() < Duration::from_secs(10), "`{image}` took {:?}", started.elapsed());
        pods::delete(cluster, &["lost"]).await?;
    }
    Ok(())
}

async fn a_pull_fails_as_its_fault_says_and_works_again_without_it(cluster: &Cluster) -> TestResult {
    const IMAGE: &str = "quay.io/example/faulty:1";
    cluster.load_image(IMAGE, &local("rollcall/agent:1")).await?;
    for (fault, said) in [
        (PullFault::Absent, "not found"),
        (PullFault::Unauthorized, "authorization failed"),
        (PullFault::TooManyRequests, "429 Too Many Requests"),
    ] {
        cluster.pull_fault(IMAGE, fault).await?;
        cluster.apply(&[always("faulty", IMAGE)]).await?;
        for reason in ["ErrImagePull", "ImagePullBackOff"] {
            let failed = |pod: Option<&Pod>| waiting(pod).is_some_and(|(why, _)| why == reason);
            let pod = pods::wait_for(cluster, "faulty", failed).await.with_context(|| format!("{fault:?}"))?;
            let (_, message) = waiting(Some(&pod)).context("it waits")?;
            says(&message, &[said, "quay.io/example/faulty:1"]).with_context(|| format!("{fault:?}"))?;
        }
        cluster.pull_fault(IMAGE, PullFault::None).await?;
        // A new pod knows no back-off.
        pods::delete(cluster, &["faulty"]).await?;
        runs(cluster, IMAGE, "1").await.with_context(|| format!("after {fault:?}"))?;
    }
    Ok(())
}

async fn a_slow_pull_takes_its_time_and_works(cluster: &Cluster) -> TestResult {
    const IMAGE: &str = "slow:1";
    const SLOW: Duration = Duration::from_secs(4);
    cluster.load_image(IMAGE, &local("rollcall/agent:2")).await?;
    cluster.pull_fault(IMAGE, PullFault::Slow(SLOW)).await?;
    let started = std::time::Instant::now();
    runs(cluster, IMAGE, "2").await?;
    ensure!(started.elapsed() >= SLOW, "it took {:?}", started.elapsed());
    cluster.pull_fault(IMAGE, PullFault::None).await?;
    Ok(())
}

async fn a_fault_is_of_one_name_and_of_a_name_that_is_one(cluster: &Cluster) -> TestResult {
    cluster.load_image("pair:1", &local("rollcall/agent:1")).await?;
    cluster.load_image("pair:2", &local("rollcall/agent:2")).await?;
    cluster.pull_fault("pair:1", PullFault::Unauthorized).await?;
    runs(cluster, "pair:2", "2").await?;
    // The harness itself pushes and looks as ever.
    sent(cluster.load_image("pair:1", &local("rollcall/agent:2")).await?)?;
    cluster.pull_fault("pair:1", PullFault::None).await?;
    let error = refused(cluster.pull_fault("No Name", PullFault::Absent).await, "a name that is none")?;
    ensure!(error.kind() == ErrorKind::Usage, "{error:?}");
    says(&told(&error), &["No Name"])
}

/// A pod whose image is asked for each time.
fn always(name: &str, image: &str) -> Value {
    let mut pod = agent_on("worker-1", name, image);
    pod["spec"]["containers"][0]["imagePullPolicy"] = "Always".into();
    pod
}

/// Why a container of a pod waits, and with which message.
fn waiting(pod: Option<&Pod>) -> Option<(String, String)> {
    let containers = pod?.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let mut waiting = containers.filter_map(|one| one.state.as_ref()?.waiting.as_ref());
    waiting.find_map(|waiting| Some((waiting.reason.clone()?, waiting.message.clone().unwrap_or_default())))
}

async fn an_image_that_is_not_there_is_refused_with_what_is_near(cluster: &Cluster) -> TestResult {
    for (name, near) in [("rollcall/agent:9", "`rollcall/agent:"), ("rollcal/agent:1", "`rollcall/agent:1`")] {
        let error = refused(cluster.load_image(name, &local(name)).await, name)?;
        says(&told(&error), &[&format!("image `{name}` is not in the local container engine"), "there is", near])?;
    }
    let error = refused(cluster.load_image("No Name", &local("rollcall/agent:1")).await, "a name that is none")?;
    ensure!(error.kind() == ErrorKind::Usage, "{error:?}");
    says(&told(&error), &["No Name"])
}

async fn a_file_that_is_no_image_is_refused_with_its_name(cluster: &Cluster) -> TestResult {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("broken.tar");
    for content in [&b""[..], b"this is no archive", &[0; 4096]] {
        fs::write(&file, content)?;
        let error = refused(cluster.load_image("broken:1", &ImageSource::Archive(file.clone())).await, "no archive")?;
        says(&told(&error), &["broken:1", "broken.tar"])?;
    }
    let missing = directory.path().join("missing.tar");
    let error = refused(cluster.load_image("broken:1", &ImageSource::Archive(missing)).await, "no file")?;
    says(&told(&error), &["missing.tar", "No such file"])?;
    let empty = directory.path().join("empty");
    fs::create_dir(&empty)?;
    let error = refused(cluster.load_image("broken:1", &ImageSource::Layout(empty)).await, "an empty directory")?;
    says(&told(&error), &["empty"])
}

fn sent(outcome: PushOutcome) -> TestResult {
    ensure!(!outcome.skipped && outcome.bytes_sent > 0, "{outcome:?}");
    Ok(())
}

/// Runs a pod of an image and asks it for its version.
async fn runs(cluster: &Cluster, image: &str, version: &str) -> Result<()> {
    pods::start(cluster, always("runner", image)).await.with_context(|| format!("image `{image}`"))?;
    let found = pods::agent(cluster, "runner", &["version"]).await?;
    ensure!(found.trim() == version, "image `{image}` is version `{}`", found.trim());
    pods::delete(cluster, &["runner"]).await
}

/// Writes an image of the local engine as an OCI layout, which an engine of this age cannot do itself.
fn write_layout(image: &str, layout: &Path) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let archive = directory.path().join("saved.tar");
    docker::docker(&["save", "--output", &archive.to_string_lossy(), image])?;
    tar(&["--extract", "--file"], &archive, directory.path())?;
    let saved: Value = serde_json::from_slice(&fs::read(directory.path().join("manifest.json"))?)?;
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let blob = |media_type: &str, content: &[u8]| -> Result<Value> {
        let digest = format!("{:x}", Sha256::digest(content));
        fs::write(blobs.join(&digest), content)?;
        let media_type = format!("application/vnd.oci.image.{media_type}");
        Ok(json!({"mediaType": media_type, "digest": format!("sha256:{digest}"), "size": content.len()}))
    };
    let part = |name: &Value| fs::read(directory.path().join(name.as_str().unwrap_or_default()));
    let config = blob("config.v1+json", &part(&saved[0]["Config"])?)?;
    let layers = saved[0]["Layers"].as_array().context("an image has layers")?;
    let layers = layers.iter().map(|name| blob("layer.v1.tar", &part(name)?)).collect::<Result<Vec<Value>>>()?;
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers});
    let manifest = blob("manifest.v1+json", manifest.to_string().as_bytes())?;
    fs::write(layout.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
    fs::write(layout.join("index.json"), json!({"schemaVersion": 2, "manifests": [manifest]}).to_string())?;
    Ok(())
}

fn tar(words: &[&str], archive: &Path, directory: &Path) -> Result<()> {
    let mut command = Command::new("tar");
    command.args(words).arg(archive).arg("--directory").arg(directory);
    if words.contains(&"--create") {
        command.arg(".");
    }
    let output = command.output().context("could not run tar")?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
