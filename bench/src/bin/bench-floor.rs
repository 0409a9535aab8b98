//! The least that the kernel's interfaces allow, see `caribe_bench::floor`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    ExitCode::from(caribe_bench::floor::run(&args, &mut std::io::stderr()))
}
