//! The conformance suite on distro `k3s`.

fn main() -> std::process::ExitCode {
    rollcall_tests::conformance::run(rollcall::DistroName::K3s)
}
