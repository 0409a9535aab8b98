//! Whom monitors and their programs run as. Used by lvsd and fos.

use std::ffi::OsString;

use lvs_model::Account;

use crate::{Program, User};

/// User that monitors run as, and the one that stands in where it does not exist.
const CHECK_USERS: [&str; 2] = ["lvscheck", "nobody"];

/// Who runs monitors: `lvscheck`, or `nobody` where it does not exist, which is said. `None`, as who
/// we are, unless we are root.
#[must_use]
pub fn check_user() -> Option<Account> {
    if !nix::unistd::geteuid().is_root() {
        return None;
    }
    let [own, other] = CHECK_USERS;
    if let Some(account) = named(own) {
        return Some(account);
    }
    let account = named(other);
    if account.is_some() {
        log::warn!("no user {own}, monitors run as {other}");
    } else {
        log::error!("neither user {own} nor {other} exists, monitors run as root");
    }
    account
}

/// Whom root's daemons would run monitors as, whoever asks.
#[must_use]
pub fn check_account() -> Option<Account> {
    CHECK_USERS.into_iter().find_map(named)
}

fn named(name: &str) -> Option<Account> {
    let user = nix::unistd::User::from_name(name).ok().flatten()?;
    Some(Account {
        name: user.name,
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
        home: user.dir,
    })
}

impl Program {
    /// Lets it run as `account`, whose name and home directory it finds in its environment.
    pub fn run_as(&mut self, account: &Account) {
        self.user = Some(User {
            uid: account.uid,
            gid: account.gid,
        });
        let name = || OsString::from(&account.name);
        self.env.extend([
            ("HOME".to_owned(), account.home.clone().into()),
            ("USER".to_owned(), name()),
            ("LOGNAME".to_owned(), name()),
        ]);
    }
}
