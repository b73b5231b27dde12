//! `schema`: the JSON schema of scenario files, for editors.

use rollcall::model::scenario;

use crate::output;

pub(super) fn schema() {
    output::line(&format!("{:#}", scenario::schema()));
}
