//! Ctrl-C and SIGTERM: the first ends in an orderly way, the second at once.

use rollcall::{Interrupt, Interrupter};
use tokio::signal::unix::{SignalKind, signal};

use crate::{exit_code::ExitCode, output};

/// Begins to listen. Needs a runtime. Where nothing is to be cleaned up nothing is said either: the end is at hand.
///
/// # Errors
/// When the system does not let this process handle signals.
pub(crate) fn listen(cleans_up: bool) -> std::io::Result<Interrupt> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (interrupter, handle) = Interrupter::new();
    tokio::spawn(async move {
        let mut second = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if second && cleans_up {
                output::remark("interrupted again: nothing is cleaned up, `rollcall clean` removes what is left");
            }
            if second {
                std::process::exit(ExitCode::ENVIRONMENT.0.into());
            }
            if cleans_up {
                output::remark("interrupted: cleaning up, interrupt again to stop at once");
            }
            interrupter.trigger();
            second = true;
        }
    });
    Ok(handle)
}
