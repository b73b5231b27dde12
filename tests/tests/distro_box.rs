//! The conformance suite on distro `box`.

fn main() -> std::process::ExitCode {
    rollcall_tests::conformance::run(rollcall::DistroName::Box)
}
