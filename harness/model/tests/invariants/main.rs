//! Every invariant: a history that breaks it in a single event, and histories that only look like it.

mod conditions;
mod faults;
mod history;
mod node_rules;
mod pod_rules;
mod rollout;
mod stretch;
mod surge;
mod unavailable;
