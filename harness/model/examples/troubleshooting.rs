//! Prints `docs/troubleshooting.md`, as `rollcall schema` prints the schema: `… --example troubleshooting > docs/troubleshooting.md`.
#![expect(clippy::print_stdout, reason = "it is there to print")]

fn main() {
    print!("{}", rollcall_model::explain::troubleshooting());
}
