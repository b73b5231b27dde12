//! Finding out what conditions ask beside the objects that are always watched, for as long as somebody needs it.

mod asked;
mod exec;
mod extras;
mod logs;
mod objects;

use kube::Client;
use rollcall_model::{
    Condition,
    world::{Fact, Need},
};

use self::asked::{Answers, Asker};
use super::Observer;

pub(super) use self::asked::Asked;

/// What is being found out. It ends when this is dropped, unless somebody else asks for it too.
#[must_use = "what is dropped is not found out any more"]
pub(crate) struct Learning {
    askers: Vec<Asker>,
}

impl Learning {
    /// Returns when nothing is known any more that was found out for somebody before, so that what is known from then on
    /// is an answer.
    pub(crate) async fn begun(&mut self) {
        for asker in &mut self.askers {
            asker.fresh().await;
        }
    }
}

impl Observer {
    /// Finds out what a condition needs.
    pub(crate) fn learn(&self, client: &Client, condition: &Condition) -> Learning {
        let askers = condition.needs().into_iter().map(|need| {
            let start = |answers| follow(client.clone(), need.clone(), self.subscribe(), answers);
            self.asked.ask(need.clone(), &self.learned, self.subscribe(), start)
        });
        Learning { askers: askers.collect() }
    }
}

async fn follow(
    client: Client,
    need: Need,
    worlds: tokio::sync::watch::Receiver<std::sync::Arc<rollcall_model::World>>,
    answers: Answers,
) {
    match need {
        Need::Objects { api_version, kind } => objects::follow(client, api_version, kind, answers).await,
        Need::Logs(condition) => logs::follow(client, condition, worlds, answers).await,
        Need::Exec(condition) => exec::follow(client, condition, worlds, answers).await,
        Need::Extras(daemon_set) => extras::follow(client, daemon_set, worlds, answers).await,
        // The shape grows; a need that nobody meets is said to be so.
        other => answers.send(Fact::Unknown(format!("nobody finds out {other:?}"))),
    }
}
