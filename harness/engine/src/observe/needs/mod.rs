//! Finding out what conditions ask beside the objects that are always watched, for as long as somebody needs it.

mod exec;
mod logs;
mod objects;

use kube::Client;
use rollcall_model::{
    Change, Condition,
    world::{Fact, Need},
};
use tokio::{sync::mpsc, task::JoinHandle};

use super::Observer;

/// Where the answers of one need go.
#[derive(Clone)]
struct Answers {
    need: Need,
    to: mpsc::UnboundedSender<Change>,
}

impl Answers {
    /// The watches end with the cluster; nobody is left to hear of it then.
    fn send(&self, fact: Fact) {
        let _ = self.to.send(Change::Learn { need: self.need.clone(), fact });
    }
}

/// What is being found out. It ends when this is dropped.
#[must_use = "what is dropped is not found out any more"]
pub(crate) struct Learning {
    tasks: Vec<(Answers, JoinHandle<()>)>,
}

impl Observer {
    /// Finds out what a condition needs.
    pub(crate) fn learn(&self, client: &Client, condition: &Condition) -> Learning {
        let tasks = condition.needs().into_iter().map(|need| {
            let answers = Answers { need: need.clone(), to: self.learned.clone() };
            let (client, worlds, outlet) = (client.clone(), self.subscribe(), answers.clone());
            let task = match need {
                Need::Objects { api_version, kind } => tokio::spawn(objects::follow(client, api_version, kind, outlet)),
                Need::Logs(condition) => tokio::spawn(logs::follow(client, condition, worlds, outlet)),
                Need::Exec(condition) => tokio::spawn(exec::follow(client, condition, worlds, outlet)),
                // The shape grows; a need that nobody meets is said to be so.
                other => tokio::spawn(async move { outlet.send(Fact::Unknown(format!("nobody finds out {other:?}"))) }),
            };
            (answers, task)
        });
        Learning { tasks: tasks.collect() }
    }
}

impl Drop for Learning {
    fn drop(&mut self) {
        for (answers, task) in &self.tasks {
            task.abort();
            let _ = answers.to.send(Change::Forget(answers.need.clone()));
        }
    }
}
