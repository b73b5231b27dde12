//! A file of kind `Validation`: what an agent has to reach before it is released.

use super::Decoder;
use super::root::constant;
use crate::scenario::tree::Tree;
use crate::scenario::{API_VERSION, VALIDATION_KIND};
use crate::validate::{GateName, Level, Settings};

/// The keys, beside those that every file has.
const VALIDATION: [&str; 13] = [
    "nodes",
    "nodeLabels",
    "readyWithin",
    "rolloutWithin",
    "soak",
    "measureFor",
    "memoryPercent",
    "throttledPercent",
    "maxImageMegabytes",
    "podSecurity",
    "slowerByPercent",
    "trials",
    "gates",
];

/// Reads a whole file. What could not be read is as it is where nobody says anything.
pub(in crate::scenario) fn validation(decoder: &mut Decoder<'_>, tree: &Tree) -> Settings {
    let mut settings = Settings::default();
    let known: Vec<&str> = ["apiVersion", "kind"].into_iter().chain(VALIDATION).collect();
    let Some(fields) = decoder.fields(tree, "a validation", &known) else { return settings };
    constant(decoder, &fields, "apiVersion", API_VERSION);
    constant(decoder, &fields, "kind", VALIDATION_KIND);
    let mut number = |key: &str, least, most| {
        let read =
            decoder.optional(&fields, key, |decoder, tree| decoder.number(tree, format!("`{key}`"), least, most));
        read.flatten().and_then(|number| u32::try_from(number).ok())
    };
    settings.nodes = number("nodes", 2, 50).unwrap_or(settings.nodes);
    let megabytes = number("maxImageMegabytes", 1, 1_000_000).map(|megabytes| u64::from(megabytes) * 1_000_000);
    settings.largest_image = megabytes.unwrap_or(settings.largest_image);
    settings.slower_by = number("slowerByPercent", 0, 10_000).unwrap_or(settings.slower_by);
    settings.memory_percent = number("memoryPercent", 1, 100).unwrap_or(settings.memory_percent);
    settings.throttled_percent = number("throttledPercent", 0, 100).unwrap_or(settings.throttled_percent);
    let mut duration =
        |key: &str, zero| decoder.optional(&fields, key, |decoder, tree| decoder.duration(tree, key, zero)).flatten();
    settings.ready_within = duration("readyWithin", false).unwrap_or(settings.ready_within);
    settings.rollout_within = duration("rolloutWithin", false).unwrap_or(settings.rollout_within);
    settings.soak = duration("soak", true).unwrap_or(settings.soak);
    settings.measure_for = duration("measureFor", false).unwrap_or(settings.measure_for);
    settings.trials = decoder.flag(&fields, "trials", false).unwrap_or_default();
    let labels = decoder.optional(&fields, "nodeLabels", Decoder::labels);
    settings.node_labels = labels.flatten().unwrap_or_default();
    let level = decoder.optional(&fields, "podSecurity", |decoder, tree| {
        let levels = [Level::Restricted, Level::Baseline, Level::Privileged];
        let words = levels.map(|level| (level.as_str(), level));
        decoder.word(tree, "podSecurity", &words)
    });
    settings.level = level.flatten().unwrap_or(settings.level);
    let gates = decoder.optional(&fields, "gates", |decoder, tree| {
        let words = GateName::ALL.map(|gate| (gate.as_str(), gate));
        decoder.full_list(tree, "`gates`", |decoder, tree| decoder.word(tree, "gate", &words))
    });
    settings.gates = gates.flatten().unwrap_or_default();
    settings
}
