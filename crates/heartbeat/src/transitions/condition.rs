//! What else a row of the table asks, and the facts that answer it.

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
