//! The rows of the table, in the order of their weight.

use super::condition::When;
use super::event::Event;
use super::phase::Phase;
use super::row::{Row, Verdict, row};

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
