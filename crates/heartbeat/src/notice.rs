//! Every log line of pulse that a decision causes, in the original's words.
//!
//! Administrators grep for these texts. Those under "ours" have no counterpart in the original.

mod severity;
mod text;

use std::net::IpAddr;

use crate::datagram::{DecodeError, Service};
use lvs_model::Mac;

use crate::orders::{Order, OrderRefused, Orders};
use crate::pair::{ConfiguredRole, OneRole, PairPath, TwoOwners, Uninvited};
use crate::said::DiscardReason;
use crate::view::Silence;

/// A log line; its `Display` is the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The program runs.
    Starting(ConfiguredRole),
    /// `backup_active = 1` without `backup`.
    UndefinedBackup,
    /// `backup_active = 0` on the backup.
    BackupInactive,
    /// Clean stop.
    Terminating {
        /// Number of the signal.
        signal: i32,
    },
    /// `--forceactive`.
    ForcedActive(Service),
    /// The dead time is over.
    PartnerDead(Service),
    /// The partner said STOPPED.
    PartnerInactive {
        /// Who we are: the text names the other one.
        role: ConfiguredRole,
        /// What is activated.
        service: Service,
    },
    /// Both were active and we yield.
    Yielding(Service),
    /// Both were active and we stay.
    Reasserting(Service),
    /// fos: both are active, and the partner has been told to go inactive.
    WantingControl,
    /// fos: the first STOPME.
    NotifyingPartner,
    /// fos: `fos --monitor` is started.
    StartingMonitors,
    /// fos: `backup_active = 0`.
    NoFosBackup,
    /// fos: it ended on the active node.
    FosRestarted,
    /// fos: it ended on the standby.
    FosExitedChecking,
    /// fos: the gateway was seen.
    GatewaySeen,
    /// fos: and so the partner's service is taken over.
    ServiceFailover,
    /// fos: the gateway was not seen.
    GatewayLost,
    /// Ours: there is none, or no way to ask it.
    GatewayUnknown,
    /// fos: and so we are cut off.
    NetworkFault,
    /// fos: a heartbeat came again on the public path.
    NetworkFaultOver,
    /// STOPME obeyed.
    ToldToGoInactive,
    /// The burst of announcements after a takeover is over.
    AnnouncementsFinished(Service),
    /// Carrier of the public link lost.
    PublicLinkDown,
    /// Carrier of the private link lost.
    PrivateLinkDown,
    /// We do not take over any more.
    LinkFailure,
    /// And we were active.
    LinkFailureDeactivating(Service),
    /// All monitored links have their carrier again.
    LinksRestored,
    /// A child of ours ended by itself.
    ChildExited {
        /// Its process id.
        pid: i32,
        /// Its exit status.
        status: i32,
    },
    /// A child of ours was killed.
    ChildKilled {
        /// Its process id.
        pid: i32,
        /// The signal.
        signal: i32,
        /// Whether pulse itself has killed it.
        by_us: bool,
    },
    /// Neither the service nor a helper.
    UnknownChild {
        /// Its process id.
        pid: i32,
    },
    /// The partner sent a datagram that is no heartbeat.
    BadPacket(DecodeError),

    /// Ours: the active node does not hear its partner any more.
    PartnerLost,
    /// Ours: the active node hears its partner again.
    PartnerBack,
    /// Ours: follows a line that says 'partner', with its ends of the public and of the private path.
    Partner(Vec<IpAddr>),
    /// A node that has just begun hears that its partner is active.
    PartnerServes,
    /// Ours: one path is silent while the other one is not.
    PathSilent(PairPath),
    /// Ours: that path carries heartbeats again.
    PathBack(PairPath),
    /// Ours: the loop was late by more than the dead time.
    Late {
        /// By how many milliseconds the loop was late.
        milliseconds: u128,
    },
    /// Ours: the service ended and is started again in place.
    ServiceRestarted {
        /// The addresses are up, and stay.
        holding: bool,
    },
    /// Ours: the service does not stay up; the partner is to take over.
    ServiceUnfit,
    /// Ours: the service does not stay up, and no partner is known that could take over.
    ServiceRetried {
        /// Pause before the next attempt in milliseconds.
        milliseconds: u128,
    },
    /// Ours: the standby's service ended and is started again.
    WarmServiceRestarted,
    /// Ours: the standby's service does not stay up, so this node takes nothing over from a living partner.
    WarmServiceRetried {
        /// Pause before the next attempt in milliseconds.
        milliseconds: u128,
    },
    /// Ours: fos ended on the standby without a message.
    MonitorsRetried {
        /// Pause before the next attempt in milliseconds.
        milliseconds: u128,
    },
    /// Ours: the service was killed, and the kernel keeps it.
    ServiceStuck,
    /// Ours: and the partner is to take over.
    StuckDeactivating,
    /// Ours: no word from the service in time.
    ServiceNotReady,
    /// Ours: the service has shown no sign of life for too long.
    ServiceHangs,
    /// Ours: an address was put back.
    AddressRestored,
    /// Ours: addresses keep disappearing.
    AddressesTaken,
    /// Ours: another machine has an address of ours, and we hold others.
    AddressDuplicate(IpAddr, Option<Mac>),
    /// Ours: it has it no more.
    AddressFree(IpAddr),
    /// Ours: other machines have all of our addresses.
    AddressesDuplicate,
    /// Ours: `vip = external`, and `inactive_cmd` does not end.
    HookHangs {
        /// How long it was waited for.
        seconds: u64,
    },
    /// Ours: `vip = external`, and `active_cmd` failed: the addresses may be nowhere.
    HookFailed,
    /// Ours: and the partner is to take over.
    HookDeactivating,
    /// Ours: the configuration was read again.
    Reloaded,
    /// Ours: a heartbeat from the partner's address does not count; on which path, and where the keys lie.
    Refused(DiscardReason, PairPath, String),
    /// Ours: no heartbeat of the partner counts, because of its signature.
    NothingCounts,
    /// Ours: both are active, and the partner cannot hear that.
    PartnerDeaf,
    /// Ours: a clean stop waits for the partner.
    HandingOver,
    /// Ours: the partner has the addresses, or it does not take them in time.
    HandedOver {
        /// Whether it has them.
        taken: bool,
    },
    /// Ours: lvs.cf has no partner, so nobody is waited for.
    NoPartner(Service),
    /// Ours: a takeover from a silent partner: how long each path was silent.
    PathsSilent(Silence),
    /// Ours: how many addresses a node with a partner could not serve.
    Unserved(u16, Unserved),
    /// Ours: a takeover by a node that cannot serve this many addresses.
    ServingPartly(u16),
    /// Ours: the partner does better: it is to take over.
    LettingGo,
    /// Ours: one of two own addresses of the heartbeat is gone.
    OwnAddressGone,
    /// Ours: and the partner is to take over.
    OwnAddressDeactivating,
    /// Ours: own addresses of the heartbeat are there again.
    OwnAddressBack,
    /// Ours: no own address of the heartbeat is left.
    CutOff,
    /// Ours: and the partner takes over now.
    CutOffDeactivating,
    /// Ours: no path works here, and no partner is known to take over: two owners are possible.
    ServingUnheard,
    /// Ours: nothing can be said and nothing served here.
    Stranded,
    /// Ours: a lost link does not count any more, since lvs.cf does not monitor it.
    LinksUnmonitored,
    /// Ours: an order is carried out.
    Ordered(Order),
    /// Ours: an order is not carried out.
    OrderRefused(Order, OrderRefused),
    /// Ours: the orders that an earlier start left.
    OrdersInForce(Orders),
    /// Ours: neither node serves, and an order keeps this one from it.
    NobodyServes(Orders),
    /// Ours: a failover waits for the partner.
    HandingOverByOrder,
    /// Ours: a partner that may be an original is told to take over in the original's way.
    HandOverUnanswered,
    /// Ours: a failover without waiting.
    FailoverDeactivating,
    /// Ours: the partner has the addresses.
    FailoverDone,
    /// Ours: it does not take them.
    FailoverFailed,
    /// Ours: so the order to stand by is not in force.
    StandbyVoid,
    /// Ours: the partner has another lvs.cf.
    OtherContent {
        /// Hash of ours.
        own: u64,
        /// Hash of the partner's.
        theirs: u64,
    },
    /// Ours: it has the same again.
    SameContent,
    /// Ours: both directors are of one role.
    SameRole(OneRole),
    /// Ours: the partner no longer says that it is of our role.
    OtherRole,
    /// Ours: the partner stays active beside this node.
    TwoOwners(TwoOwners),
    /// Ours: it is not active any more.
    OneOwner,
    /// Ours: lvs.cf has switched the partner off, and it is heard.
    Uninvited(Uninvited),
    /// Ours: it is not heard any more.
    UninvitedGone(Uninvited),
}

impl Notice {
    /// Whether the line says what the partner does or has become; then another line names the partner.
    pub(crate) const fn is_about_partner(&self) -> bool {
        matches!(
            self,
            Self::PartnerDead(_)
                | Self::PartnerInactive { .. }
                | Self::Yielding(_)
                | Self::Reasserting(_)
                | Self::WantingControl
                | Self::ToldToGoInactive
                | Self::PartnerLost
                | Self::PartnerBack
                | Self::PartnerServes
                | Self::PartnerDeaf
                | Self::HandedOver { .. }
                | Self::HandOverUnanswered
                | Self::FailoverDone
                | Self::FailoverFailed
                | Self::OtherContent { .. }
                | Self::Refused(..)
                | Self::BadPacket(_)
        )
    }
}

/// What becomes of addresses that could not be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unserved {
    /// This node serves, and gives up to a partner that does better.
    Left,
    /// This node serves, and no partner takes over that may and can.
    ServedOn,
    /// This node does not serve.
    NotTaken,
}
