//! `bench`: measures ipvsadm in the lab, beside the C program and the kernel's own floor.

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    ExitCode::from(caribe_bench::run(&args, &mut out, &mut err))
}
