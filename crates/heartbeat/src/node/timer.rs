//! What a node waits for, and in which phases.

use crate::transitions::Phase;

/// What a node waits for. What expires together is handled in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The service has had its time: to be ready, to end, to be tried again.
    Service,
    /// `inactive_cmd`, which takes the addresses away, has had its time.
    LetGo,
    /// `active_cmd` failed a while ago.
    Hook,
    /// The service has had its time to end; now the addresses go.
    Release,
    /// Nothing was heard for a dead time.
    Silence,
    /// An offer (STOPPED) was put off until now.
    Offer,
    /// The partner is active and has not heard us for so long that it will not yield.
    Deaf,
    /// The partner is active as well, and has had its time to yield.
    TwoOwners,
    /// The partner has had its time to take over, or to say that it will.
    HandOver,
    /// A partner that leaves has served for long enough.
    Relief,
    /// fos: the partner has had its time to let go.
    Control,
    /// An own address is gone, and now something follows from it.
    OwnAddress,
    /// Both say STOPPED, and nobody has served for a while.
    Idle,
    /// The addresses are announced again.
    Announce,
    /// Who has our IPv6 addresses is asked again.
    Duplicates,
    /// The node has settled as standby: nothing of lvs.cf may stay in the kernel's table.
    Clear,
    /// The next heartbeat.
    Beat,
    /// The next heartbeat that asks for one, or answers one that does.
    Question,
    /// Something that is not proven is answered.
    Challenge,
}

impl Timer {
    /// Whether it means something in `phase`. Entering a phase stops every other one.
    #[must_use]
    pub const fn runs_in(self, phase: Phase) -> bool {
        match self {
            Self::Offer | Self::Idle | Self::Clear => matches!(phase, Phase::Standby),
            Self::Relief | Self::Control => matches!(phase, Phase::Starting),
            Self::Deaf => matches!(phase, Phase::Starting | Phase::Active | Phase::HandingOver),
            Self::Hook => matches!(phase, Phase::Starting | Phase::Active),
            Self::Announce | Self::Duplicates => {
                matches!(phase, Phase::Active | Phase::HandingOver)
            }
            Self::TwoOwners => matches!(phase, Phase::Active),
            Self::HandOver => matches!(phase, Phase::HandingOver),
            Self::LetGo | Self::Release => matches!(phase, Phase::Releasing),
            Self::Service
            | Self::Silence
            | Self::OwnAddress
            | Self::Beat
            | Self::Question
            | Self::Challenge => !matches!(phase, Phase::Gone),
        }
    }
}
