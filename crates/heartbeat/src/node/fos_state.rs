//! What a fos node knows besides.

/// What a fos node knows besides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fos {
    /// FAILPARTNER: the partner is to go inactive.
    pub wants_control: bool,
    /// The partner has been told, which is logged once.
    pub has_notified: bool,
    /// The gateway is being asked for.
    pub is_testing: bool,
    /// NETFAULT: neither the partner's service nor the gateway is to be seen.
    pub is_cut_off: bool,
}
