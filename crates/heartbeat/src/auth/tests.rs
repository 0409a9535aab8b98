//! What a receiver takes and what it does not; a flood of everything an attacker can send.

mod freshness;
mod versions;

use std::time::Duration;

use crate::datagram::signed::{Key, LENGTH, SignatureError, State, Statement};
use crate::datagram::{Service, Value};
use lvs_model::{Mono, Random};

use super::{Auth, DiscardReason, Echo, Mode, Received, Said};
use crate::model::{Action, Input, Settings};
use crate::node::Node;
use crate::pair::{ConfiguredRole, PairPath};
use crate::tests::settings;
use crate::transitions::Phase;

const SAYS: Statement = Statement {
    state: State::Inactive,
    term: 3,
    by_term: false,
    hears: true,
    fit: true,
    asks: false,
    details: None,
};

const DEAD_TIME: Duration = Duration::from_secs(5);

/// In one moment.
impl Auth {
    fn sends(&mut self, value: Value, statement: Statement) -> Vec<u8> {
        self.seal(Mono::ZERO, Echo::Partner, value, statement)
    }

    fn hears(&mut self, bytes: &[u8]) -> Received {
        self.receive(Mono::ZERO, bytes)
    }
}

fn key(id: u8) -> Key {
    Key::new(id, vec![id; 32]).unwrap()
}

fn auth(primary: bool, mode: Mode, boot: u64) -> Auth {
    Auth::new(Service::Lvs, primary, mode, vec![key(1)], boot, DEAD_TIME)
}

/// Two that know each other.
fn pair() -> (Auth, Auth) {
    let mut primary = auth(true, Mode::Require, 1 << 40);
    let mut backup = auth(false, Mode::Require, 1 << 50);
    meet(&mut primary, &mut backup);
    (primary, backup)
}

fn meet(one: &mut Auth, other: &mut Auth) {
    for _ in 0..2 {
        let beat = one.sends(Value::Stopped, SAYS);
        other.hears(&beat);
        let beat = other.sends(Value::Stopped, SAYS);
        one.hears(&beat);
    }
}

fn counts(verdict: &Received) -> bool {
    matches!(verdict, Received::Beat(_, Some(said)) if said.newest)
}

const REPLAYED: Received = Received::Refused(DiscardReason::Replayed);

#[test]
fn a_partner_counts_once_it_has_echoed_what_we_sent() {
    let mut primary = auth(true, Mode::Require, 1 << 40);
    let mut backup = auth(false, Mode::Require, 1 << 50);
    let first = primary.sends(Value::Running, SAYS);
    assert_eq!(backup.hears(&first), Received::Unproven(None));
    let answer = backup.sends(Value::Stopped, SAYS);
    assert!(counts(&primary.hears(&answer)));
    let second = primary.sends(Value::Running, SAYS);
    assert!(counts(&backup.hears(&second)));
}

/// Keys are added on both before they are removed.
#[test]
fn the_key_with_which_the_partner_signs_is_not_to_be_lost() {
    let (mut primary, mut backup) = pair();
    let other = Key::new(1, vec![9; 32]).unwrap();
    for (keys, lost) in [
        (vec![key(1)], None),
        (vec![key(2), key(1)], None),
        (vec![key(2)], Some(1)),
        (vec![other], Some(1)),
    ] {
        assert_eq!(backup.lost_key(Mode::Require, &keys), lost);
        // Unsigned ones count there.
        assert_eq!(backup.lost_key(Mode::Sign, &keys), None);
    }
    // Once the partner signs with the new one, the old one may go.
    for side in [&mut primary, &mut backup] {
        side.change(Mode::Require, vec![key(2), key(1)], DEAD_TIME);
    }
    meet(&mut primary, &mut backup);
    assert_eq!(backup.lost_key(Mode::Require, &[key(2)]), None);
    assert_eq!(backup.lost_key(Mode::Require, &[key(1)]), Some(2));
    assert_eq!(
        auth(true, Mode::Require, 7).lost_key(Mode::Require, &[]),
        None
    );
}

#[test]
fn a_step_that_is_left_out_is_known_by_what_the_partner_sends() {
    let modes = [Mode::Off, Mode::Accept, Mode::Sign, Mode::Require];
    for (place, from) in modes.into_iter().enumerate() {
        for (next_place, next) in modes.into_iter().enumerate() {
            let is_step = place.abs_diff(next_place) <= 1;
            let both_ways = [true, false].map(|signs| from.leaves_out_a_step(next, signs));
            let expected = match (from, next) {
                (Mode::Require, Mode::Off | Mode::Accept) => [true, false],
                (Mode::Require, _) | (_, Mode::Off | Mode::Accept | Mode::Sign) => [false; 2],
                (_, Mode::Require) => [false, true],
            };
            assert_eq!(both_ways, expected, "{from:?} {next:?}");
            // Beside a partner that is as far, no step is refused.
            if is_step && from.signs() {
                assert!(!from.leaves_out_a_step(next, true));
            }
        }
    }
}

#[test]
fn a_datagram_counts_once_and_an_older_one_is_only_a_sign_of_life() {
    let (mut primary, mut backup) = pair();
    let beats: Vec<_> = (0..70)
        .map(|_| primary.sends(Value::Running, SAYS))
        .collect();
    assert!(counts(&backup.hears(&beats[69])));
    assert_eq!(backup.hears(&beats[69]), REPLAYED);
    let late = backup.hears(&beats[68]);
    assert!(matches!(late, Received::Beat(_, Some(said)) if !said.newest));
    assert_eq!(backup.hears(&beats[68]), REPLAYED);
    assert_eq!(backup.hears(&beats[5]), REPLAYED);
}

#[test]
fn unsigned_marks_hand_over_between_nodes_that_do_not_sign_and_bind_nobody_else() {
    let leaves = Statement {
        state: State::Leaving,
        ..SAYS
    };
    let states = |verdict| match verdict {
        Received::Beat(Value::Running, said) => said.map(|said: Said| said.statement.state),
        other => panic!("{other:?}"),
    };
    let leaving = auth(true, Mode::Off, 5).sends(Value::Running, leaves);
    assert_eq!(leaving.len(), 5);
    for mode in [Mode::Off, Mode::Accept] {
        let mut standby = auth(false, mode, 6);
        let active = Statement {
            state: State::Active,
            ..SAYS
        };
        let bare = standby.sends(Value::Running, active);
        assert_eq!(bare.len(), 4);
        assert_eq!(states(standby.hears(&leaving)), Some(State::Leaving));
        let taken = standby.sends(Value::Running, active);
        assert_eq!(
            states(auth(true, mode, 7).hears(&taken)),
            Some(State::Active)
        );
        // The leaver has changed its mind: both claim.
        assert_eq!(states(standby.hears(&bare)), None);
        assert_eq!(standby.sends(Value::Running, active)[4..], [b'2']);
        standby.hears(&standby.clone().sends(Value::Stopped, SAYS));
        assert_eq!(standby.sends(Value::Running, active), bare);
    }
    assert_eq!(states(auth(false, Mode::Sign, 6).hears(&leaving)), None);
    assert!(matches!(
        auth(false, Mode::Require, 6).hears(&leaving),
        Received::Refused(DiscardReason::Signature(_))
    ));
    let mut fos = Auth::new(Service::Fos, false, Mode::Off, Vec::new(), 6, DEAD_TIME);
    let leaving = Auth::new(Service::Fos, true, Mode::Off, Vec::new(), 5, DEAD_TIME);
    let leaving = { leaving }.sends(Value::Running, leaves);
    assert_eq!(states(fos.hears(&leaving)), None);
}

#[test]
fn a_question_asks_once_and_only_who_may_be_heard() {
    let (mut primary, mut backup) = pair();
    let asks = Statement { asks: true, ..SAYS };
    let question = primary.sends(Value::Running, asks);
    assert_eq!(question.len(), LENGTH);
    assert!(matches!(backup.hears(&question), Received::Question(_, Some(said)) if said.newest));
    assert_eq!(backup.hears(&question), REPLAYED);
    let mut off = auth(true, Mode::Off, 5);
    let bare = off.sends(Value::Running, asks);
    assert_eq!(bare.len(), 5);
    assert!(matches!(
        backup.hears(&bare),
        Received::Refused(DiscardReason::Signature(_))
    ));
    for (mode, remark) in [(Mode::Off, false), (Mode::Accept, true), (Mode::Sign, true)] {
        let mut partner = auth(false, mode, 6);
        let unsigned = Received::Question(Value::Running, None);
        assert_eq!(partner.hears(&bare), unsigned);
        // A question is not a signature of an unknown form.
        let said = partner.remark().map(|remark| remark.to_string());
        assert_eq!(
            said,
            remark.then(|| "partner's heartbeats: not signed".to_owned())
        );
    }
    assert_eq!(
        auth(false, Mode::Off, 7).hears(&question),
        Received::Question(Value::Running, None)
    );
}

#[test]
fn recordings_of_an_earlier_start_do_not_count() {
    let (mut old, mut backup) = pair();
    let recorded: Vec<_> = (0..5).map(|_| old.sends(Value::Running, SAYS)).collect();
    let mut new = auth(true, Mode::Require, 1 << 45);
    meet(&mut new, &mut backup);
    for beat in &recorded {
        assert_eq!(backup.hears(beat), Received::Unproven(None));
    }
    // And they do not take the new one's place.
    let beat = new.sends(Value::Running, SAYS);
    assert!(counts(&backup.hears(&beat)));
    // A receiver that has just started knows nobody, and believes no recording either.
    let mut fresh = auth(false, Mode::Require, 1 << 55);
    for beat in &recorded {
        assert_eq!(fresh.hears(beat), Received::Unproven(None));
    }
}

#[test]
fn what_was_sent_is_not_taken_back() {
    let (mut primary, _) = pair();
    let beat = primary.sends(Value::Running, SAYS);
    let reflected = Received::Refused(DiscardReason::Reflected);
    assert_eq!(primary.hears(&beat), reflected);
    // Nor what an earlier start of ours has sent: it echoes nothing of this one.
    let mut later = auth(true, Mode::Require, 9);
    assert_eq!(later.hears(&beat), Received::Unproven(None));
}

#[test]
fn r_a_partner_of_our_own_role_counts_and_says_so() {
    for mode in [Mode::Require, Mode::Sign] {
        for primary in [true, false] {
            let mut one = auth(primary, mode, 1 << 40);
            let mut other = auth(primary, mode, 1 << 50);
            meet(&mut one, &mut other);
            let verdict = other.hears(&one.sends(Value::Running, SAYS));
            let said = match verdict {
                Received::Beat(Value::Running, Some(said)) => said,
                verdict => panic!("{verdict:?}"),
            };
            assert!(said.same_role && said.newest, "{said:?}");
        }
    }
    let (mut primary, mut backup) = pair();
    let verdict = backup.hears(&primary.sends(Value::Running, SAYS));
    assert!(matches!(verdict, Received::Beat(_, Some(said)) if !said.same_role));
}

#[test]
fn r_unsigned_nodes_tell_their_role_while_both_claim_or_know_that_they_are_of_one() {
    let active = Statement {
        state: State::Active,
        ..SAYS
    };
    for (primary, byte) in [(true, b'1'), (false, b'2')] {
        let mut one = auth(primary, Mode::Off, 1 << 40);
        let mut other = auth(primary, Mode::Accept, 1 << 50);
        let beat = one.sends(Value::Running, active);
        assert_eq!(beat.len(), 4);
        assert_eq!(other.hears(&beat), Received::Beat(Value::Running, None));
        // Who does not claim has no dispute.
        assert_eq!(other.sends(Value::Stopped, SAYS).len(), 4);
        let beat = other.sends(Value::Running, active);
        assert_eq!(beat[4..], [byte]);
        let same = |verdict| matches!(verdict, Received::Beat(_, Some(said)) if said.same_role);
        assert!(same(one.hears(&beat)));
        // From now on also who stands by tells it.
        let beat = one.sends(Value::Stopped, SAYS);
        assert_eq!(beat[4..], [byte]);
        assert!(same(other.hears(&beat)));
        // One of the other role is told of nothing.
        let mut partner = auth(!primary, Mode::Off, 7);
        assert_eq!(partner.hears(&beat), Received::Beat(Value::Stopped, None));
        // After a dead time it is over.
        let later = Mono::ZERO + DEAD_TIME;
        assert_eq!(
            one.seal(later, Echo::Partner, Value::Stopped, SAYS).len(),
            4
        );
    }
}

#[test]
fn who_does_not_sign_reads_the_role_of_who_does() {
    let mut signs = auth(true, Mode::Sign, 1 << 40);
    let beat = signs.sends(Value::Running, SAYS);
    for (primary, is_same) in [(true, true), (false, false)] {
        let verdict = auth(primary, Mode::Off, 5).hears(&beat);
        let said = match verdict {
            Received::Beat(Value::Running, said) => said,
            verdict => panic!("{verdict:?}"),
        };
        assert_eq!(said.is_some_and(|said| said.same_role), is_same);
    }
}

#[test]
fn require_takes_nothing_unsigned_and_the_others_take_it_all() {
    let mut unsigned = auth(true, Mode::Off, 5);
    let bare = unsigned.sends(Value::Running, SAYS);
    assert_eq!(bare.len(), 4);
    let mut stranger = Auth::new(Service::Lvs, true, Mode::Sign, vec![key(9)], 5, DEAD_TIME);
    let foreign = stranger.sends(Value::Running, SAYS);
    for mode in [Mode::Off, Mode::Accept, Mode::Sign] {
        let mut receiver = auth(false, mode, 7);
        let plain = Received::Beat(Value::Running, None);
        assert_eq!(receiver.hears(&bare), plain);
        assert_eq!(receiver.hears(&foreign), plain);
    }
    let mut receiver = auth(false, Mode::Require, 7);
    let refused = |error| Received::Refused(DiscardReason::Signature(error));
    assert_eq!(receiver.hears(&bare), refused(SignatureError::Missing));
    assert_eq!(
        receiver.hears(&foreign),
        refused(SignatureError::UnknownKey(9))
    );
}

#[test]
fn a_change_of_the_partners_signatures_is_remarked_on_once() {
    let mut partner = auth(true, Mode::Off, 5);
    let mut receiver = auth(false, Mode::Accept, 7);
    let mut hear = |partner: &mut Auth| {
        receiver.hears(&partner.sends(Value::Running, SAYS));
        receiver.remark().map(|remark| remark.to_string())
    };
    let said = hear(&mut partner).unwrap();
    assert_eq!(said, "partner's heartbeats: not signed");
    assert_eq!(hear(&mut partner), None);
    partner.change(Mode::Sign, vec![key(9)], DEAD_TIME);
    let said = hear(&mut partner).unwrap();
    assert!(said.ends_with("signed with key 9, which is not known here"));
    partner.change(Mode::Sign, vec![key(1)], DEAD_TIME);
    let said = hear(&mut partner).unwrap();
    assert!(said.ends_with("signed, with a key known here"));
}

#[test]
fn a_key_is_changed_without_a_heartbeat_that_does_not_count() {
    let (mut primary, mut backup) = pair();
    let (old, new) = (vec![key(1)], vec![key(2)]);
    let steps = [
        [old.clone(), new.clone()].concat(),
        [new.clone(), old].concat(),
        new,
    ];
    for keys in steps {
        for first in [true, false] {
            let changed = if first { &mut primary } else { &mut backup };
            changed.change(Mode::Require, keys.clone(), DEAD_TIME);
            let beat = primary.sends(Value::Running, SAYS);
            assert!(counts(&backup.hears(&beat)));
            let beat = backup.sends(Value::Stopped, SAYS);
            assert!(counts(&primary.hears(&beat)));
        }
    }
}

/// What an attacker can make of heartbeats that passed: copies, shortened, lengthened, bits
/// turned, and what he makes up.
fn forge(random: &mut Random, recorded: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = recorded[random.index(recorded.len())].clone();
    match random.below(5) {
        0 => {}
        1 => bytes.truncate(random.index(LENGTH)),
        2 => bytes.extend([0; 9]),
        3 => {
            for _ in 0..=random.below(3) {
                bytes[random.index(LENGTH)] ^= 1 << random.below(8);
            }
        }
        _ => bytes[4..].fill_with(|| random.number().to_le_bytes()[0]),
    }
    bytes
}

#[test]
fn no_forged_or_replayed_heartbeat_moves_a_signed_standby() {
    for seed in testkit::seeds(100) {
        live_through_forged(Random::new(seed));
    }
}

/// Forged datagrams between real heartbeats, one real in a hundred; then the partner dies.
const FORGED: u32 = 1000;

fn live_through_forged(mut random: Random) {
    let mut recorded = recordings();
    let (mut primary, mut backup) = pair();
    let settings = Settings {
        signs: true,
        ..settings(ConfiguredRole::Backup)
    };
    let mut node = Node::new(Mono::ZERO, settings.clone());
    let mut out = Vec::new();
    node.handle(Mono::ZERO, Input::Start, &mut out);
    let (mut now, mut lines, mut answers) = (Mono::ZERO, 0_usize, 0_usize);
    for number in 0..FORGED {
        now = now + Duration::from_millis(10);
        // What the partner heard of us last.
        let heard = backup.seal(now, Echo::Partner, Value::Stopped, SAYS);
        let datagram = if number % 100 == 0 {
            primary.receive(now, &heard);
            let real = primary.seal(now, Echo::Partner, Value::Running, SAYS);
            recorded.push(real.clone());
            real
        } else {
            forge(&mut random, &recorded)
        };
        let verdict = backup.receive(now, &datagram);
        let counts = matches!(verdict, Received::Beat(..) | Received::Question(..));
        assert!(!counts || number % 100 == 0, "{datagram:02x?}");
        out.clear();
        for input in verdict.inputs(PairPath::Public) {
            node.handle(now, input, &mut out);
        }
        node.handle(now, Input::Tick, &mut out);
        assert_eq!(node.phase(), Phase::Standby);
        lines += out
            .iter()
            .filter(|action| matches!(action, Action::Notice(_)))
            .count();
        answers += out
            .iter()
            .filter(|action| matches!(action, Action::Send(_) | Action::Challenge(_)))
            .count();
    }
    let seconds = usize::try_from(now.since_start().as_secs()).unwrap();
    assert!(lines <= seconds / 60 + 2, "{lines} lines in {seconds} s");
    // Its own every K, and 32 in a K for what is not proven.
    assert!(answers <= seconds * 33 / 2 + 33, "{answers} in {seconds} s");
    let last = now;
    while node.phase() == Phase::Standby {
        now = now + Duration::from_millis(100);
        let verdict = backup.receive(now, &forge(&mut random, &recorded));
        for input in verdict.inputs(PairPath::Public).chain([Input::Tick]) {
            node.handle(now, input, &mut out);
        }
        assert!(now - last < settings.dead_time + Duration::from_secs(2));
    }
}

/// Heartbeats of an earlier pair with the same key, of both ends.
fn recordings() -> Vec<Vec<u8>> {
    let mut primary = auth(true, Mode::Require, 1 << 33);
    let mut backup = auth(false, Mode::Require, 1 << 34);
    meet(&mut primary, &mut backup);
    let values = [Value::Running, Value::Stopped, Value::StopMe];
    let of = |auth: &mut Auth| -> Vec<Vec<u8>> {
        let sealed = values.iter().cycle().take(30);
        sealed.map(|value| auth.sends(*value, SAYS)).collect()
    };
    [of(&mut primary), of(&mut backup)].concat()
}

#[test]
fn an_unsigned_standby_that_is_not_fit_says_so_by_a_mark_that_an_original_does_not_read() {
    let says = |asks| Statement {
        fit: false,
        asks,
        ..SAYS
    };
    for (asks, byte) in [(false, b'-'), (true, b'=')] {
        let sealed = auth(false, Mode::Off, 5).sends(Value::Stopped, says(asks));
        assert_eq!(sealed[4..], [byte]);
        for mode in [Mode::Off, Mode::Accept] {
            let verdict = auth(true, mode, 6).hears(&sealed);
            let said = match verdict {
                Received::Beat(Value::Stopped, Some(said)) if !asks => said,
                Received::Question(Value::Stopped, Some(said)) if asks => said,
                other => panic!("{other:?}"),
            };
            assert!(!said.statement.fit);
            assert_eq!(said.statement.state, State::Inactive);
        }
        // A node in `sign` takes it for the STOPPED that it is.
        let plain = auth(true, Mode::Sign, 7).hears(&sealed);
        assert!(matches!(
            plain,
            Received::Beat(Value::Stopped, None) | Received::Question(Value::Stopped, None)
        ));
    }
    // An active node and fos say nothing of it.
    let active = Statement {
        state: State::Active,
        ..says(false)
    };
    assert_eq!(
        auth(false, Mode::Off, 5)
            .sends(Value::Running, active)
            .len(),
        4
    );
    let mut fos = Auth::new(Service::Fos, false, Mode::Off, Vec::new(), 5, DEAD_TIME);
    assert_eq!(fos.sends(Value::Stopped, says(false)).len(), 4);
}
