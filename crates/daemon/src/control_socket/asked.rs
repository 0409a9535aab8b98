//! What somebody asks.

/// One that has asked and waits for its [answer](crate::ControlSocket::answer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientId(pub(super) u64);

/// What somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// To answer it.
    pub client: ClientId,
    /// The user id that it had when it connected (`SO_PEERCRED`).
    pub uid: u32,
    /// Its process.
    pub pid: i32,
    /// What it wrote.
    pub question: Question,
}

/// What somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Nothing.
    Silence,
    /// A line, without its end.
    Line(Vec<u8>),
    /// More than fits.
    TooLong,
}
