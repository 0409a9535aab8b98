//! lvs.cf: read, checked, printed without loss.
//!
//! - [`Config`]: what a file means, typed and in range

pub mod model;

pub use model::{
    Authentication, Check, Command, Config, ConflictAction, Device, DeviceError, FailoverBlock,
    Heartbeat, NannyProcesses, NatRouter, Persistence, PrivatePath, RealServer, ServiceKind,
    SharedDisk, SyncSettings, VipMover, VirtualBlock,
};
