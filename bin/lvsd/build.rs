//! Links the release build statically, see `static-program`.

fn main() -> std::io::Result<()> {
    static_program::link(&mut std::io::stdout(), |name| std::env::var_os(name))
}
