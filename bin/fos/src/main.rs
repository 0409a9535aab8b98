//! Entry point; everything else is in the library beside it.

fn main() -> std::process::ExitCode {
    let args: Vec<std::ffi::OsString> = std::env::args_os().skip(1).collect();
    fos::run(&args, &mut std::io::stdout(), &mut std::io::stderr())
}
