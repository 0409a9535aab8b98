//! `lab`: boots a kernel with IPVS and runs programs, tests or the demonstration there.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    ExitCode::from(caribe_lab::run(
        &args,
        &mut std::io::stdout(),
        &mut std::io::stderr(),
    ))
}
