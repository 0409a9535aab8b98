//! What a row of the table is about, and its words in a status.

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
            Self::OwnAddressGone => "an own heartbeat address cannot be used",
            Self::CutOff => "the own addresses of the heartbeat cannot be used",
            Self::NobodyServes => "nobody serves",
            Self::HandOverUnanswered => "the partner does not answer a hand-over",
            Self::FailoverOrdered => "an order",
            Self::StopOrdered => "a stop is asked for",
            Self::Released => "everything is given up",
        }
    }
}
