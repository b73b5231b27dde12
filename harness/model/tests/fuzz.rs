//! The function that is fuzzed, on its seeds, on the scenarios of the repository, and on mutations of both.

mod common;
#[path = "../../../fuzz/decode.rs"]
mod decode;

use std::path::Path;
use std::sync::LazyLock;

use common::files::below;
use proptest::prelude::*;
use proptest::sample::Index;

static SEEDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    below(&root.join("fuzz/seeds"), "yaml", &mut files);
    let seeds = files.len();
    below(&root.join("scenarios"), "yaml", &mut files);
    assert!(seeds > 40 && files.len() > seeds + 8, "{seeds} seeds and {} files", files.len());
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).expect("seeds are readable")).collect()
});

#[test]
fn every_seed_is_survived() {
    SEEDS.iter().for_each(|seed| decode::decode(seed));
}

/// One thing that happens to a text.
#[derive(Debug, Clone)]
enum Mutation {
    Cut(Index, usize),
    Double(Index, usize),
    /// A part of another seed comes in.
    Graft(Index, Index, Index, usize),
    Swap(Index, Index),
    Put(Index, char),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 1_usize..40).prop_map(|(at, length)| Mutation::Cut(at, length)),
        (at(), 1_usize..200).prop_map(|(at, length)| Mutation::Double(at, length)),
        (at(), at(), at(), 1_usize..200).prop_map(|(at, of, from, length)| Mutation::Graft(at, of, from, length)),
        (at(), at()).prop_map(|(one, other)| Mutation::Swap(one, other)),
        (at(), any::<char>()).prop_map(|(at, put)| Mutation::Put(at, put)),
    ]
}

fn mutate(text: &mut Vec<char>, mutation: &Mutation) {
    let place = |at: &Index, text: &[char]| at.index(text.len() + 1);
    match mutation {
        Mutation::Cut(at, length) => {
            let from = place(at, text);
            let to = (from + length).min(text.len());
            text.drain(from..to);
        }
        Mutation::Double(at, length) => {
            let from = place(at, text);
            let part: Vec<char> = text[from..(from + length).min(text.len())].to_vec();
            text.splice(from..from, part);
        }
        Mutation::Graft(at, of, from, length) => {
            let other: Vec<char> = SEEDS[of.index(SEEDS.len())].chars().collect();
            let from = place(from, &other);
            let part: Vec<char> = other[from..(from + length).min(other.len())].to_vec();
            let at = place(at, text);
            text.splice(at..at, part);
        }
        Mutation::Swap(one, other) => {
            let lines: String = text.iter().collect();
            let mut lines: Vec<&str> = lines.split('\n').collect();
            let (one, other) = (one.index(lines.len()), other.index(lines.len()));
            lines.swap(one, other);
            *text = lines.join("\n").chars().collect();
        }
        Mutation::Put(at, put) => {
            let at = place(at, text);
            text.insert(at, *put);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_mutation_of_a_seed_is_survived(
        seed in any::<Index>(),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let mut text: Vec<char> = SEEDS[seed.index(SEEDS.len())].chars().collect();
        mutations.iter().for_each(|mutation| mutate(&mut text, mutation));
        decode::decode(&text.into_iter().collect::<String>());
    }
}
