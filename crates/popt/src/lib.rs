//! The command line grammar of popt, without I/O: option tables in, ordered options out.
//!
//! `ipvsadm`, `pulse`, `lvsd`, `nanny` and `fos` have always been parsed by popt, and scripts rely
//! on its corners: clusters (`-Ln`), values attached in four ways (`-tV`, `-t=V`, `-t V`,
//! `--tcp-service=V`), no abbreviations, words and options mixed, options that act in their order.
//! This crate is that grammar and nothing else. A program writes its options down as a [`Table`] of
//! [`Row`]s, walks a [`Scanner`] over its arguments and decides itself what each [`Item`] means;
//! [`help()`] and [`usage()`] print popt's `--help` and `--usage` from the same rows.
//!
//! ```
//! use popt::{Item, Row, Scanner, Table, Takes, Value};
//! use std::ffi::{OsStr, OsString};
//!
//! #[derive(Clone, Copy, PartialEq, Debug)]
//! enum Key { ConfigFile, NoDaemon, Help, Usage }
//!
//! const TABLE: Table<Key> = Table {
//!     rows: &[
//!         Row::new(Key::ConfigFile, "configfile").letter('c').takes(Takes::Text, "FILE")
//!             .help("read this configuration"),
//!         Row::new(Key::NoDaemon, "nodaemon").letter('n').help("stay in the foreground"),
//!     ],
//!     help_rows: &popt::help_rows(Key::Help, Key::Usage),
//! };
//!
//! let arguments: Vec<OsString> = ["-nc", "/tmp/lvs.cf", "word"].map(OsString::from).into();
//! let items: Result<Vec<_>, _> = Scanner::new(&TABLE, arguments.iter().map(OsString::as_os_str)).collect();
//! assert_eq!(items.unwrap(), [
//!     Item::Option(Key::NoDaemon, Value::None),
//!     Item::Option(Key::ConfigFile, Value::Text(OsStr::new("/tmp/lvs.cf"))),
//!     Item::Word(OsStr::new("word")),
//! ]);
//! assert!(popt::help("lvsd", &TABLE).contains("  -c, --configfile=FILE     read this configuration\n"));
//! ```
//!
//! The daemons' rows carry their setters: [`Program`] reads a whole command line into a program's own type.
//!
//! # Alias files
//! popt also reads `/etc/popt` and `~/.popt`. This crate opens no file: the program's shell reads
//! them and hands the texts to [`Aliases::parse`]. `exec` lines are not honoured (they would start
//! other programs as root), and `!#:+` in a value stays as it is.

mod alias;
mod help;
mod number;
mod reason;
mod scan;
mod setter;
mod table;

pub use alias::Aliases;
pub use help::{help, usage, version};
pub use reason::Reason;
pub use scan::{Item, ScanError, Scanner, Value};
pub use setter::{Program, Read, Setter};
pub use table::{Letters, Row, Table, Takes, help_rows};
