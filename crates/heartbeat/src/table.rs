//! The transition table of a node, as data.
//!
//! [`decide`] walks [`TABLE`] from the top. The first row that fits is the verdict; if none fits, the event
//! changes nothing. `docs/internals/heartbeat.md` prints the same rows. `node/stage.rs` draws what a node
//! knows in each phase.
//!
//! ```text
//!            silence, offer                  ready                  yield, link, stop …
//!  Standby ─────────────────▶ Starting ─────────────────▶ Active ──────────────────────┐
//!     ▲                          │ yield, unfit, link, stop …                           ▼
//!     │                          └───────────────────────────────────────────────▶ Releasing
//!     │                                                stop, order:                      │
//!     │                                      Active ──▶ HandingOver ── taken, too late ──┤
//!     │                                             ◀── an order, and not taken           │
//!     └──────────────────────────────── released ───────────────────────────────────────┤
//!                                                                 released, stopping    ▼
//!                                                                                     Gone
//! ```

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Inactive, says STOPPED.
    Standby,
    /// The service is being started; no address is up. Says RUNNING.
    Starting,
    /// Holds the addresses, says RUNNING.
    Active,
    /// Holds the addresses until the partner has them, then ends, or stands by if it was an order. Says
    /// RUNNING and that it leaves.
    HandingOver,
    /// Service and addresses are being given up. Says RUNNING until the addresses are down.
    Releasing,
    /// The program is to end.
    Gone,
}

impl Phase {
    /// Its name in a status.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standby => "standby",
            Self::Starting => "starting",
            Self::Active => "active",
            Self::HandingOver => "handing-over",
            Self::Releasing => "releasing",
            Self::Gone => "gone",
        }
    }
}

/// What happens, as far as the table cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The partner says RUNNING.
    HeardRunning,
    /// The partner says RUNNING, and that it leaves as soon as we have taken over.
    HeardLeaving,
    /// The partner says RUNNING and does not hear us, so it cannot yield.
    PartnerDeaf,
    /// The partner has the addresses that we are handing over.
    Taken,
    /// The partner has not taken the addresses in time.
    HandOverDue,
    /// The partner says STOPPED.
    HeardStopped,
    /// The partner says STOPME.
    HeardStopMe,
    /// Nothing was heard for a dead time.
    PartnerSilent,
    /// fos: a service of the partner is lost, the network is not.
    PartnerServiceLost,
    /// fos: the partner had its time to give up, or to say that it claims as well.
    ControlDue,
    /// An offer (STOPPED) that was put off is to be taken now.
    OfferDue,
    /// The service serves.
    ServiceReady,
    /// It has checked every real server.
    ServiceChecked,
    /// A partner that leaves has served long enough meanwhile, or serves no longer.
    ChecksDue,
    /// The service ended.
    ServiceEnded,
    /// The service ended too often, or never became ready.
    ServiceUnfit,
    /// The service was killed and does not end.
    ServiceStuck,
    /// `active_cmd`, which moves the addresses, failed.
    HookFailed,
    /// A monitored link lost its carrier.
    LinksLost,
    /// The loop was late by more than the dead time.
    Late,
    /// An address of ours was removed.
    AddressRemoved,
    /// Addresses of ours were removed three times in ten seconds.
    AddressesTaken,
    /// Other machines have every address of ours.
    AddressesDuplicate,
    /// An address of ours cannot be served, and the partner lives.
    Unserved,
    /// One of two own addresses of the heartbeat has been gone for a while, and the partner lives.
    OwnAddressGone,
    /// All addresses that our heartbeats are sent from are gone: the partner takes over now.
    CutOff,
    /// Nobody has served for a while, though both live.
    NobodyServes,
    /// The partner does not answer a hand-over: it may be an original.
    HandOverUnanswered,
    /// An administrator orders a failover, or this node to stand by.
    FailoverOrdered,
    /// A clean stop is asked for.
    StopOrdered,
    /// Service ended and addresses down, or the time for it is over.
    Released,
}

impl Event {
    /// The event in words, as the reason of a change.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::HeardRunning => "the partner is active",
            Self::HeardLeaving => "the partner leaves and asked us to take over",
            Self::PartnerDeaf => "the partner is active and does not hear us",
            Self::Taken => "the partner has taken over",
            Self::HandOverDue => "the partner did not take over in time",
            Self::HeardStopped => "the partner is inactive",
            Self::HeardStopMe => "the partner told us to go inactive",
            Self::PartnerSilent => "the partner is silent",
            Self::PartnerServiceLost => "a service of the partner is lost",
            Self::ControlDue => "the partner had its time to let go",
            Self::OfferDue => "the partner stays inactive",
            Self::ServiceReady => "the service is ready",
            Self::ServiceChecked => "the real servers have been checked",
            Self::ChecksDue => "the partner has served for long enough",
            Self::ServiceEnded => "the service ended",
            Self::ServiceUnfit => "the service does not stay up",
            Self::ServiceStuck => "the service does not end though it was killed",
            Self::HookFailed => "active_cmd failed",
            Self::LinksLost => "a link under the heartbeat is down",
            Self::Late => "this node was away for more than the dead time",
            Self::AddressRemoved => "an address was removed",
            Self::AddressesTaken => "addresses keep being removed",
            Self::AddressesDuplicate => "other machines have every address",
            Self::Unserved => "this node cannot serve everything and the partner lives",
            Self::OwnAddressGone => "an own heartbeat address is gone",
            Self::CutOff => "the own addresses of the heartbeat are gone",
            Self::NobodyServes => "nobody serves",
            Self::HandOverUnanswered => "the partner does not answer a hand-over",
            Self::FailoverOrdered => "an order",
            Self::StopOrdered => "a stop is asked for",
            Self::Released => "everything is given up",
        }
    }
}

/// What else a row may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing.
    Always,
    /// Nothing is known to be wrong here; or the partner is not fit either, and is worse off.
    Best,
    /// The same, and the offer need not be put off.
    BestNow,
    /// Nothing is known to be wrong here.
    Fit,
    /// No order, and neither links nor own addresses, forbid to replace a silent partner. The own service
    /// gets its chance: nobody else serves.
    Able,
    /// No order forbids it and the service is not known bad: better than nobody.
    Willing,
    /// The partner stays when both are active: it is the primary or, where terms decide, its term
    /// is the higher one.
    Outranked,
    /// This node stays.
    Outranking,
    /// The pair runs fos, and this node is the backup.
    FosBackup,
    /// The pair runs fos, and this node is the primary.
    FosPrimary,
    /// The partner lives and could serve something, as far as it says. Or it leaves by order, and serves on
    /// if nobody takes over.
    PartnerCapable,
    /// The partner lives, reports no order and not that it is unfit, and we are not frozen.
    PartnerTakes,
    /// The partner lives, is not known to be as bad as we are, and we are not frozen.
    PartnerBetter,
    /// The partner is known to understand a clean stop and to be fit.
    PartnerReady,
    /// fos: a service of the partner is lost, and the partner is to go inactive.
    WantsControl,
    /// A clean stop is under way.
    Leaving,
    /// The service runs on the standby too.
    Warm,
    /// The partner leaves and serves until we do, and our real servers have not been checked or its
    /// connections are not known yet.
    PartnerServes,
}

/// What a row decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing changes.
    Stay,
    /// Start the service, then take the addresses.
    TakeOver,
    /// Take over a little later, unless RUNNING is heard until then.
    TakeOverLater,
    /// Bring up the addresses, announce them, say RUNNING at once.
    Raise,
    /// Bring up and announce again.
    Reassert,
    /// Stay active though the partner is too: it has been told to go inactive.
    Insist,
    /// Say RUNNING once more, then give up: both were active.
    Yield,
    /// Stop the service, then drop the addresses, then say STOPPED.
    GiveUp,
    /// Drop the addresses first: somebody else may have them already.
    GiveUpAtOnce,
    /// Start the service again; the addresses stay.
    RestartService,
    /// Start the service again after a pause; the addresses stay.
    RestartServiceLater,
    /// Ask the partner to take over, go on serving until then.
    HandOver,
    /// The partner did not take over: go on serving.
    Resume,
    /// Give up and end.
    Leave,
    /// Back to standby.
    Rest,
    /// End.
    End,
}

/// The facts that conditions look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent answers to the conditions of the table"
)]
pub struct Facts {
    /// This node is the primary.
    pub primary: bool,
    /// The pair runs fos.
    pub fos: bool,
    /// Nothing is known to be wrong here.
    pub fit: bool,
    /// The partner is not fit either, and worse.
    pub better: bool,
    /// No order, and neither links nor own addresses, forbid to replace a silent partner.
    pub able: bool,
    /// No order forbids to take over, and the service is not known bad.
    pub willing: bool,
    /// An offer is to be taken without waiting.
    pub prompt: bool,
    /// The partner stays when both are active.
    pub outranked: bool,
    /// The partner lives and could serve something, or serves.
    pub partner_capable: bool,
    /// The partner lives, reports no order and not that it is unfit, and we are not frozen.
    pub partner_takes: bool,
    /// The partner lives, is not known to be as bad as we are, and we are not frozen.
    pub partner_better: bool,
    /// The partner understands a clean stop and could take over.
    pub partner_ready: bool,
    /// fos: the partner is to go inactive.
    pub wants_control: bool,
    /// A clean stop is under way.
    pub leaving: bool,
    /// The service runs on the standby too.
    pub warm: bool,
    /// The partner serves until we do, and we wait for first checks or connections.
    pub partner_serves: bool,
}

impl When {
    /// Whether the condition holds.
    #[must_use]
    pub const fn holds(self, facts: Facts) -> bool {
        match self {
            Self::Always => true,
            Self::Best => facts.fit || facts.better,
            Self::BestNow => (facts.fit || facts.better) && facts.prompt,
            Self::Fit => facts.fit,
            Self::Able => facts.able,
            Self::Willing => facts.willing,
            Self::Outranked => facts.outranked,
            Self::Outranking => !facts.outranked,
            Self::FosBackup => facts.fos && !facts.primary,
            Self::FosPrimary => facts.fos && facts.primary,
            Self::PartnerCapable => facts.partner_capable,
            Self::PartnerTakes => facts.partner_takes,
            Self::PartnerBetter => facts.partner_better,
            Self::PartnerReady => facts.partner_ready,
            Self::WantsControl => facts.wants_control,
            Self::Leaving => facts.leaving,
            Self::Warm => facts.warm,
            Self::PartnerServes => facts.partner_serves,
        }
    }
}

/// A row: in these phases, on this event, under this condition, that happens.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Phases that the row is for.
    pub phases: &'static [Phase],
    /// Its event.
    pub event: Event,
    /// Its condition.
    pub when: When,
    /// Its verdict.
    pub verdict: Verdict,
}

const fn row(phases: &'static [Phase], event: Event, when: When, verdict: Verdict) -> Row {
    Row {
        phases,
        event,
        when,
        verdict,
    }
}

const STANDBY: &[Phase] = &[Phase::Standby];
const STARTING: &[Phase] = &[Phase::Starting];
const ACTIVE: &[Phase] = &[Phase::Active];
const HANDING: &[Phase] = &[Phase::HandingOver];
const CLAIMING: &[Phase] = &[Phase::Starting, Phase::Active];
const RELEASING: &[Phase] = &[Phase::Releasing];

/// The rows, in the order of their weight.
pub const TABLE: &[Row] = &[
    // An offer is taken. The backup may leave it to the primary for a moment.
    row(
        STANDBY,
        Event::HeardStopped,
        When::BestNow,
        Verdict::TakeOver,
    ),
    row(
        STANDBY,
        Event::HeardStopped,
        When::Best,
        Verdict::TakeOverLater,
    ),
    row(STANDBY, Event::OfferDue, When::Best, Verdict::TakeOver),
    row(STANDBY, Event::PartnerSilent, When::Able, Verdict::TakeOver),
    // A clean stop between two of ours.
    row(STANDBY, Event::HeardLeaving, When::Best, Verdict::TakeOver),
    // fos: a service of the partner is lost. The partner gives up first, then the addresses come up.
    row(
        STANDBY,
        Event::PartnerServiceLost,
        When::Fit,
        Verdict::TakeOver,
    ),
    row(
        STARTING,
        Event::HeardStopped,
        When::WantsControl,
        Verdict::Raise,
    ),
    row(
        STARTING,
        Event::PartnerSilent,
        When::WantsControl,
        Verdict::Raise,
    ),
    row(STARTING, Event::ControlDue, When::Always, Verdict::Raise),
    row(
        STARTING,
        Event::HeardRunning,
        When::WantsControl,
        Verdict::Stay,
    ),
    row(
        ACTIVE,
        Event::HeardRunning,
        When::WantsControl,
        Verdict::Insist,
    ),
    // Never pre-empt.
    row(STANDBY, Event::HeardRunning, When::Always, Verdict::Stay),
    row(STANDBY, Event::StopOrdered, When::Warm, Verdict::Leave),
    row(STANDBY, Event::StopOrdered, When::Always, Verdict::End),
    // Order of a takeover: table complete, addresses, announcement, RUNNING. A table without its real
    // servers is worth less than a partner that still serves.
    row(
        STARTING,
        Event::ServiceReady,
        When::PartnerServes,
        Verdict::Stay,
    ),
    row(STARTING, Event::ServiceReady, When::Always, Verdict::Raise),
    row(
        STARTING,
        Event::ServiceChecked,
        When::PartnerServes,
        Verdict::Stay,
    ),
    row(
        STARTING,
        Event::ServiceChecked,
        When::Always,
        Verdict::Raise,
    ),
    row(STARTING, Event::ChecksDue, When::Always, Verdict::Raise),
    // Both are active: one stays.
    row(
        CLAIMING,
        Event::HeardRunning,
        When::Outranked,
        Verdict::Yield,
    ),
    row(
        ACTIVE,
        Event::HeardRunning,
        When::Outranking,
        Verdict::Reassert,
    ),
    // If one direction is cut, the node that hears yields.
    row(CLAIMING, Event::PartnerDeaf, When::Always, Verdict::GiveUp),
    // STOPME means something to fos nodes only.
    row(
        CLAIMING,
        Event::HeardStopMe,
        When::FosBackup,
        Verdict::Yield,
    ),
    row(
        CLAIMING,
        Event::HeardStopMe,
        When::FosPrimary,
        Verdict::GiveUp,
    ),
    // Supervision: in place first; give up only if somebody else can serve.
    row(
        STANDBY,
        Event::ServiceEnded,
        When::Warm,
        Verdict::RestartService,
    ),
    row(
        STANDBY,
        Event::ServiceUnfit,
        When::Warm,
        Verdict::RestartServiceLater,
    ),
    row(
        CLAIMING,
        Event::ServiceEnded,
        When::Always,
        Verdict::RestartService,
    ),
    row(
        CLAIMING,
        Event::ServiceUnfit,
        When::PartnerCapable,
        Verdict::GiveUp,
    ),
    row(
        CLAIMING,
        Event::ServiceUnfit,
        When::Always,
        Verdict::RestartServiceLater,
    ),
    row(
        CLAIMING,
        Event::ServiceStuck,
        When::PartnerCapable,
        Verdict::GiveUp,
    ),
    row(
        CLAIMING,
        Event::HookFailed,
        When::PartnerTakes,
        Verdict::GiveUp,
    ),
    row(
        CLAIMING,
        Event::LinksLost,
        When::PartnerBetter,
        Verdict::GiveUp,
    ),
    row(CLAIMING, Event::Late, When::Always, Verdict::GiveUpAtOnce),
    row(
        ACTIVE,
        Event::AddressRemoved,
        When::Always,
        Verdict::Reassert,
    ),
    row(
        ACTIVE,
        Event::AddressesTaken,
        When::PartnerTakes,
        Verdict::GiveUp,
    ),
    row(
        ACTIVE,
        Event::AddressesTaken,
        When::Always,
        Verdict::Reassert,
    ),
    row(
        ACTIVE,
        Event::AddressesDuplicate,
        When::PartnerTakes,
        Verdict::GiveUp,
    ),
    row(
        ACTIVE,
        Event::StopOrdered,
        When::PartnerReady,
        Verdict::HandOver,
    ),
    row(CLAIMING, Event::StopOrdered, When::Always, Verdict::Leave),
    // Neither is fit, or an original does not say so.
    row(
        STANDBY,
        Event::NobodyServes,
        When::Willing,
        Verdict::TakeOver,
    ),
    row(
        CLAIMING,
        Event::Unserved,
        When::PartnerBetter,
        Verdict::GiveUp,
    ),
    row(
        CLAIMING,
        Event::OwnAddressGone,
        When::PartnerBetter,
        Verdict::GiveUp,
    ),
    row(CLAIMING, Event::CutOff, When::Always, Verdict::GiveUpAtOnce),
    row(
        ACTIVE,
        Event::FailoverOrdered,
        When::PartnerReady,
        Verdict::HandOver,
    ),
    row(
        CLAIMING,
        Event::FailoverOrdered,
        When::Always,
        Verdict::GiveUp,
    ),
    row(HANDING, Event::Taken, When::Always, Verdict::GiveUpAtOnce),
    row(HANDING, Event::Late, When::Always, Verdict::GiveUpAtOnce),
    row(HANDING, Event::CutOff, When::Always, Verdict::GiveUpAtOnce),
    row(HANDING, Event::StopOrdered, When::Always, Verdict::Leave),
    row(
        HANDING,
        Event::HandOverUnanswered,
        When::Leaving,
        Verdict::Leave,
    ),
    row(
        HANDING,
        Event::HandOverUnanswered,
        When::Always,
        Verdict::GiveUp,
    ),
    row(HANDING, Event::HandOverDue, When::Leaving, Verdict::Leave),
    row(HANDING, Event::HandOverDue, When::Always, Verdict::Resume),
    row(HANDING, Event::PartnerSilent, When::Leaving, Verdict::Leave),
    row(HANDING, Event::PartnerSilent, When::Always, Verdict::Resume),
    // The partner cannot take over any more. At a stop it has its time all the same, and takes what it can.
    row(HANDING, Event::HeardStopped, When::Leaving, Verdict::Stay),
    row(
        HANDING,
        Event::HeardStopped,
        When::PartnerTakes,
        Verdict::Stay,
    ),
    row(HANDING, Event::HeardStopped, When::Always, Verdict::Resume),
    row(HANDING, Event::LinksLost, When::Leaving, Verdict::Leave),
    row(
        HANDING,
        Event::LinksLost,
        When::PartnerBetter,
        Verdict::GiveUp,
    ),
    row(HANDING, Event::ServiceEnded, When::Leaving, Verdict::Leave),
    row(
        HANDING,
        Event::ServiceEnded,
        When::Always,
        Verdict::RestartService,
    ),
    row(HANDING, Event::ServiceUnfit, When::Leaving, Verdict::Leave),
    row(
        HANDING,
        Event::ServiceUnfit,
        When::PartnerCapable,
        Verdict::GiveUp,
    ),
    row(
        HANDING,
        Event::ServiceUnfit,
        When::Always,
        Verdict::RestartServiceLater,
    ),
    row(RELEASING, Event::Released, When::Leaving, Verdict::End),
    row(RELEASING, Event::Released, When::Always, Verdict::Rest),
];

/// The verdict on `event` in `phase`.
#[must_use]
pub fn decide(phase: Phase, event: Event, facts: Facts) -> Verdict {
    TABLE
        .iter()
        .find(|row| row.event == event && row.phases.contains(&phase) && row.when.holds(facts))
        .map_or(Verdict::Stay, |row| row.verdict)
}
