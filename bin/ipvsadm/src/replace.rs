//! `-R --atomic`: the rules on standard input are the whole table, all of them or none.
//!
//! Nothing is touched until every line is understood. Then the kernel gets only what differs, additions and
//! edits before removals, so that a service that stays always has its servers. If the kernel refuses an
//! addition or edit, they are undone; nothing was removed by then.

use std::io;

use ipvs::{Ipvs, IpvsError, Refusal};
use lvs_model::{IpvsOp, Table, TableService};

use crate::ensure::edit_of;
use crate::error::{UsageError, status};
use crate::parse::{self, Parsed};
use crate::refusal::{self, Asked};
use crate::request::{Request, resolve};
use crate::restore::words;
use crate::session::Session;
use crate::wanted::{Wanted, changes, is_removal};

/// Brings the table to what standard input says; with `is_dry_run` prints the changes instead.
pub(crate) fn run<I: Ipvs>(session: &mut Session<'_, I>, is_dry_run: bool) -> u8 {
    let Some(mut wanted) = read(session) else {
        return if is_dry_run {
            status::LIST_FAILED
        } else {
            status::USAGE
        };
    };
    let services = wanted.services();
    let found = match read_table(&mut session.kernel) {
        Ok(found) => found,
        Err(error) => return fail(session, &error),
    };
    let ops = changes(&services, &found);
    if is_dry_run {
        for op in &ops {
            session.out.text(&op.to_string()).end();
        }
        return if ops.is_empty() {
            status::OK
        } else {
            status::CHANGES
        };
    }
    match apply(session, &ops, &mut wanted, &found) {
        Ok(status) => status,
        Err(error) => fail(session, &error),
    }
}

fn fail<I: Ipvs>(session: &mut Session<'_, I>, error: &IpvsError) -> u8 {
    session.say(&refusal::text(Asked::Other, refusal::errno(error)));
    status::REFUSED
}

/// Reads every line and reports what is wrong with each; `None` if anything was.
fn read<I: Ipvs>(session: &mut Session<'_, I>) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    let mut is_good = true;
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        let error = match session.input.read_until(b'\n', &mut text) {
            Ok(0) => break,
            Ok(_) => take_line(session, &text, number, &mut wanted).err(),
            Err(error) => {
                session.say(&input_error(&error));
                return None;
            }
        };
        if let Some(error) = error {
            session.say(&format!("line {number}: {}", error.trim_end()));
            is_good = false;
        }
    }
    is_good.then_some(wanted)
}

fn input_error(error: &io::Error) -> String {
    format!("standard input: {}", refusal::c_text(error))
}

/// Takes a line of rules; empty lines, and those that begin with `#`, mean nothing.
fn take_line<I: Ipvs>(
    session: &Session<'_, I>,
    text: &[u8],
    number: usize,
    wanted: &mut Wanted,
) -> Result<(), String> {
    if text.starts_with(b"#") || words(text).next().is_none() {
        return Ok(());
    }
    let parsed = parse::parse(words(text), session.surroundings());
    let request = match parsed {
        Ok(Parsed::Line(line)) => resolve(&line).map_err(|error| error.to_string())?,
        Ok(Parsed::Help | Parsed::Version) | Err(UsageError::Hint { .. }) => {
            return Err(NO_RULE.into());
        }
        Err(error) => return Err(error.to_string()),
    };
    let (op, is_ensured) = match request {
        Request::Change(op) if is_rule(&op) => (op, false),
        Request::Ensure(op) => (op, true),
        _ => return Err(NO_RULE.into()),
    };
    let asked = Asked::of(&op);
    let edit = is_ensured.then(|| edit_of(&op)).flatten();
    wanted
        .take(op, number)
        .or_else(|errno| match edit {
            Some(edit) if errno == ipvs::Errno::EEXIST => wanted.take(edit, number),
            _ => Err(errno),
        })
        .map_err(|errno| refusal::text(asked, errno).into_owned())
}

/// The message about a command that describes no table.
const NO_RULE: &str = "only -A, -E, -D, -a, -e, -d and -C describe a table";

const fn is_rule(op: &IpvsOp) -> bool {
    !matches!(
        op,
        IpvsOp::SetTimeouts(_) | IpvsOp::StartDaemon(_) | IpvsOp::StopDaemon(_) | IpvsOp::Zero(_)
    )
}

fn read_table(kernel: &mut impl Ipvs) -> Result<Table, IpvsError> {
    kernel.want_counters(false);
    let mut table = Table::new();
    for entry in kernel.services()? {
        let servers = kernel.destinations(&entry.service.key)?;
        table.insert(TableService {
            service: entry.service,
            destinations: servers.into_iter().map(|it| it.destination).collect(),
        });
    }
    Ok(table)
}

fn apply<I: Ipvs>(
    session: &mut Session<'_, I>,
    ops: &[IpvsOp],
    wanted: &mut Wanted,
    before: &Table,
) -> Result<u8, IpvsError> {
    let end = ops.iter().position(is_removal).unwrap_or(ops.len());
    let (additions, removals) = ops.split_at(end);
    let refused = session.kernel.apply(additions)?;
    if !refused.is_empty() {
        for refusal in refused {
            say_refusal(session, additions, refusal, wanted);
        }
        undo(session, before)?;
        return Ok(status::REFUSED);
    }
    let mut refused = session.kernel.apply(removals)?;
    // What somebody else removed meanwhile is gone as well.
    refused.retain(|it| ![ipvs::Errno::ESRCH, ipvs::Errno::ENOENT].contains(&it.errno));
    for &refusal in &refused {
        say_refusal(session, removals, refusal, wanted);
    }
    Ok(if refused.is_empty() {
        status::OK
    } else {
        status::REFUSED
    })
}

fn say_refusal<I: Ipvs>(
    session: &mut Session<'_, I>,
    ops: &[IpvsOp],
    refusal: Refusal,
    wanted: &mut Wanted,
) {
    let Some(op) = ops.get(refusal.index) else {
        return;
    };
    let text = refusal::text(Asked::of(op), refusal.errno);
    match wanted.line_of(op) {
        Some(line) => session.say(&format!("line {line}: {text}")),
        None => session.say(&format!("{op}: {text}")),
    }
}

/// Puts the table back to what it was.
fn undo<I: Ipvs>(session: &mut Session<'_, I>, before: &Table) -> Result<(), IpvsError> {
    let wanted: Vec<TableService> = before.services().cloned().collect();
    let ops = changes(&wanted, &read_table(&mut session.kernel)?);
    for refusal in session.kernel.apply(&ops)? {
        if let Some(op) = ops.get(refusal.index) {
            let text = refusal::text(Asked::of(op), refusal.errno);
            session.say(&format!("not undone: {op}: {text}"));
        }
    }
    Ok(())
}
