//! The kernel's virtual server table by command line: drop-in for ipvsadm 1.31.
//! Entry point; everything else is in the library beside it.

fn main() -> std::process::ExitCode {
    ipvsadm::main()
}
