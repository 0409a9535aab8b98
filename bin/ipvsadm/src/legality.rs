//! Which option goes with which command: what the table of the names says, and the order in which it is
//! checked.

use crate::command::Command;
use crate::error::UsageError;
use crate::given::{Given, LEGAL, Name};

/// A column of the table as sets.
#[derive(Clone, Copy)]
struct Column {
    needed: Given,
    legal: Given,
    only_one: Given,
}

const COLUMNS: [Column; 14] = {
    let mut columns = [column(0); 14];
    let mut number = 1;
    while number < columns.len() {
        columns[number] = column(number);
        number += 1;
    }
    columns
};

const fn column(number: usize) -> Column {
    let mut column = Column {
        needed: Given::NONE,
        legal: Given::NONE,
        only_one: Given::NONE,
    };
    let mut place = 0;
    while place < LEGAL.len() {
        let (name, cells) = LEGAL[place];
        if cells[number] != b'.' {
            column.legal.insert(name);
        }
        match cells[number] {
            b'+' => column.needed.insert(name),
            b'1' => column.only_one.insert(name),
            _ => true,
        };
        place += 1;
    }
    column
}

/// Checks what was given against the command's column, from the top.
pub(crate) fn check(command: Command, given: Given) -> Result<(), UsageError> {
    if let Some(column) = COLUMNS.get(command.column())
        && given.is_within(column.legal)
        && column.needed.is_within(given)
        && given.count_of(column.only_one) < 2
    {
        return Ok(());
    }
    find_error(command, given)
}

/// The first row that something is wrong with.
fn find_error(command: Command, given: Given) -> Result<(), UsageError> {
    let mut only_one = None;
    for (name, cells) in LEGAL {
        let cell = cells.get(command.column()).copied().unwrap_or(b'.');
        match (cell, given.has(*name)) {
            (b'+', false) => return Err(UsageError::Missing(*name, command)),
            (b'.', true) => return Err(UsageError::Illegal(*name, command)),
            (b'1', true) => {
                if let Some(earlier) = only_one.replace(*name) {
                    return Err(UsageError::Conflict {
                        later: *name,
                        earlier,
                        command,
                    });
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What `-L` checks beyond the table.
pub(crate) fn check_list(given: Given) -> Result<(), UsageError> {
    let lists_no_services = given.has_any(&[Name::Connection, Name::Timeout, Name::Daemon]);
    let has_format = given.has_any(&[Name::Stats, Name::Rate, Name::Thresholds]);
    let is_short = given.has_any(&[Name::Timeout, Name::Daemon]);
    if (lists_no_services && has_format) || (is_short && given.has(Name::PersistentConn)) {
        return Err(UsageError::ListConflict);
    }
    check_watch(given)
}

/// `--watch` shows rates and nothing else.
fn check_watch(given: Given) -> Result<(), UsageError> {
    const OTHERS: [Name; 7] = [
        Name::Connection,
        Name::Timeout,
        Name::Daemon,
        Name::Stats,
        Name::Thresholds,
        Name::PersistentConn,
        Name::TunInfo,
    ];
    if given.has(Name::Watch) && given.has_any(&OTHERS) {
        return Err(UsageError::ListConflict);
    }
    Ok(())
}

/// A restore that is not atomic has no changes to show before it makes them.
pub(crate) fn check_restore(given: Given) -> Result<(), UsageError> {
    if given.has(Name::DryRun) && !given.has(Name::Atomic) {
        return Err(UsageError::Missing(Name::Atomic, Command::Restore));
    }
    Ok(())
}
