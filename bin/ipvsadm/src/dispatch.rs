//! What the command line asks for, and which part carries it out.

use ipvs::Ipvs;

use crate::error::{UsageError, status};
use crate::parse::Parsed;
use crate::replace;
use crate::request::{Request, resolve};
use crate::restore;
use crate::session::Session;

/// Carries out a line of the command line itself and returns the exit status.
pub(crate) fn run<I: Ipvs>(
    session: &mut Session<'_, I>,
    parsed: Result<Parsed<'_>, UsageError>,
) -> u8 {
    let request = match parsed {
        Ok(Parsed::Line(line)) => resolve(&line),
        Ok(Parsed::Help | Parsed::Version) => return status::OK,
        Err(error) => Err(error),
    };
    match request {
        Ok(Request::Restore) => restore::run(session),
        Ok(Request::Replace { is_dry_run }) => replace::run(session, is_dry_run),
        Ok(Request::Change(op)) => session.apply(&[op]),
        Ok(Request::Ensure(op)) => session.ensure(op),
        Ok(Request::Watch(listing, seconds)) => session.watch(listing, seconds),
        Ok(request) => session.show(&request),
        Err(error) => session.refuse(&error),
    }
}
