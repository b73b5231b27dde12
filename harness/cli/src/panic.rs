//! A panic is a bug in rollcall and is told as one.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{error::error_text, output};

static HAPPENED: AtomicBool = AtomicBool::new(false);

/// Makes a panic say what it is. Unwinding goes on, so that clusters are removed.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(|panic| {
        HAPPENED.store(true, Ordering::SeqCst);
        let place = panic.location().map(|place| format!(" at {place}")).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        output::error(&error_text(
            &format!("this is a bug in rollcall: {message}{place}"),
            &[],
            Some("please report it with this line and the command"),
        ));
    }));
}

/// Whether anything panicked so far.
pub(crate) fn happened() -> bool {
    HAPPENED.load(Ordering::SeqCst)
}
