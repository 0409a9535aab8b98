//! How much each log line matters.

use lvs_model::Severity;

use super::Notice;

impl Notice {
    /// How much it matters.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::AddressDuplicate(..)
            | Self::AddressesDuplicate
            | Self::AddressesTaken
            | Self::ServiceUnfit
            | Self::ServiceStuck
            | Self::ServiceHangs
            | Self::StuckDeactivating
            | Self::ServiceRetried { .. }
            | Self::WarmServiceRetried { .. }
            | Self::LinkFailure
            | Self::LinkFailureDeactivating(_)
            | Self::HookFailed
            | Self::HookDeactivating
            | Self::HookHangs { .. }
            | Self::NetworkFault
            | Self::NothingCounts
            | Self::GatewayUnknown
            | Self::Unserved(1.., _)
            | Self::ServingPartly(_)
            | Self::LettingGo
            | Self::OwnAddressGone
            | Self::OwnAddressDeactivating
            | Self::CutOff
            | Self::CutOffDeactivating
            | Self::ServingUnheard
            | Self::Stranded
            | Self::NobodyServes(_)
            | Self::FailoverFailed
            | Self::StandbyVoid
            | Self::SameRole(_)
            | Self::TwoOwners(_)
            | Self::Uninvited(_) => Severity::Error,
            Self::ForcedActive(_)
            | Self::PartnerDead(_)
            | Self::PartnerInactive { .. }
            | Self::Yielding(_)
            | Self::Reasserting(_)
            | Self::ServiceFailover
            | Self::ToldToGoInactive
            | Self::PublicLinkDown
            | Self::PrivateLinkDown
            | Self::PartnerLost
            | Self::PathSilent(_)
            | Self::Late { .. }
            | Self::ServiceRestarted { .. }
            | Self::WarmServiceRestarted
            | Self::ServiceNotReady
            | Self::AddressRestored
            | Self::Refused(..)
            | Self::BadPacket(_)
            | Self::PartnerDeaf
            | Self::NoPartner(_)
            | Self::PathsSilent(_)
            | Self::Ordered(_)
            | Self::OrderRefused(..)
            | Self::OrdersInForce(_)
            | Self::HandingOverByOrder
            | Self::HandOverUnanswered
            | Self::FailoverDeactivating
            | Self::FailoverDone
            | Self::OtherContent { .. }
            | Self::HandedOver { taken: false } => Severity::Warning,
            _ => Severity::Info,
        }
    }
}
