//! The conformance suite on distro `kind`.

fn main() -> std::process::ExitCode {
    rollcall_tests::conformance::run(rollcall::DistroName::Kind)
}
