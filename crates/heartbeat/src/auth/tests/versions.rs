//! Version 2 of signed heartbeats: when it is sent, and what an older program has of it.

use crate::datagram::Value;
use crate::datagram::details::Details;
use crate::datagram::signed::{self, Signed, Statement};
use lvs_model::Mono;

use super::{Auth, DiscardReason, Echo, Mode, Received, SAYS, auth, counts, key, meet};
use crate::said::Form;

const DETAILED: Statement = Statement {
    details: Some(Details {
        content: Some(7),
        unserved: Some(1),
        standby: false,
        frozen: false,
        helpless: false,
    }),
    ..SAYS
};

fn version(datagram: &[u8]) -> u8 {
    datagram[4]
}

/// What a program before version 2 sends: the same without its flag and fields.
fn aged(datagram: &[u8]) -> Vec<u8> {
    let signed = signed::decode(datagram, &[key(1)]).unwrap();
    let signed = Signed {
        statement: Statement {
            details: None,
            ..signed.statement
        },
        reads_details: false,
        ..signed
    };
    signed::encode(*datagram.first_chunk().unwrap(), &signed, &key(1))
}

fn says(auth: &mut Auth) -> Vec<u8> {
    auth.sends(Value::Running, DETAILED)
}

#[test]
fn version_two_is_sent_to_who_has_shown_that_it_reads_it() {
    let mut primary = auth(true, Mode::Require, 1 << 40);
    let mut backup = auth(false, Mode::Require, 1 << 50);
    let first = says(&mut primary);
    assert_eq!(version(&first), 1);
    // The flag alone proves nothing: it may be a recording.
    backup.hears(&first);
    let answer = says(&mut backup);
    assert_eq!(version(&answer), 1);
    primary.hears(&answer);
    let second = says(&mut primary);
    assert_eq!(version(&second), 2);
    let Received::Beat(_, Some(said)) = backup.hears(&second) else {
        unreachable!()
    };
    assert_eq!(said.form, Form::Signed(2));
    assert_eq!(said.statement.details, DETAILED.details);
    assert_eq!(version(&says(&mut backup)), 2);
}

#[test]
fn an_older_partner_is_sent_version_one_for_ever() {
    for mode in [Mode::Sign, Mode::Require] {
        let mut primary = auth(true, mode, 1 << 40);
        let mut old = auth(false, mode, 1 << 50);
        for _ in 0..10 {
            let beat = says(&mut primary);
            assert_eq!(version(&beat), 1);
            old.hears(&beat);
            let beat = aged(&says(&mut old));
            primary.hears(&beat);
        }
        let beat = aged(&says(&mut old));
        assert!(counts(&primary.hears(&beat)));
    }
}

#[test]
fn a_partner_that_restarts_as_an_older_program_is_answered_in_version_one() {
    let mut primary = auth(true, Mode::Require, 1 << 40);
    let mut backup = auth(false, Mode::Require, 1 << 50);
    meet(&mut primary, &mut backup);
    assert_eq!(version(&says(&mut primary)), 2);
    let mut old = auth(false, Mode::Require, 1 << 51);
    let first = aged(&says(&mut old));
    assert_eq!(primary.hears(&first), Received::Unproven(None));
    let answer = primary.seal(Mono::ZERO, Echo::Unproven, Value::Running, DETAILED);
    assert_eq!(version(&answer), 1);
    assert!(counts(&old.hears(&answer)));
    let second = aged(&says(&mut old));
    assert!(counts(&primary.hears(&second)));
    assert_eq!(version(&says(&mut primary)), 1);
    // And back.
    let mut new = auth(false, Mode::Require, 1 << 52);
    let first = says(&mut new);
    primary.hears(&first);
    let answer = primary.seal(Mono::ZERO, Echo::Unproven, Value::Running, DETAILED);
    new.hears(&answer);
    assert!(counts(&primary.hears(&says(&mut new))));
    assert_eq!(version(&says(&mut primary)), 2);
}

#[test]
fn a_version_that_is_not_known_is_refused_and_not_guessed_at() {
    let mut primary = auth(true, Mode::Require, 1 << 40);
    let mut backup = auth(false, Mode::Require, 1 << 50);
    meet(&mut primary, &mut backup);
    let mut later = says(&mut primary);
    later[4] = 3;
    let format = signed::SignatureError::Format;
    let refused = Received::Refused(DiscardReason::Signature(format));
    assert_eq!(backup.hears(&later), refused);
}
