//! Telling systemd (sd_notify(3)), without its library.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Says something to the service manager; silent where there is none.
///
/// `state` is one or more `KEY=value` lines. A failure is ignored, as sd_notify(3) advises: the
/// daemon works without anybody listening.
pub fn notify(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let bytes = path.as_encoded_bytes();
    let address = match bytes.split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(&path),
    };
    if let (Ok(address), Ok(socket)) = (address, UnixDatagram::unbound()) {
        let _ = socket.send_to_addr(state.as_bytes(), &address);
    }
}

/// The service works.
pub fn ready() {
    notify("READY=1");
}

/// The service has begun to stop.
pub fn stopping() {
    notify("STOPPING=1");
}

/// One line for `systemctl status`.
pub fn status(line: &str) {
    notify(&format!("STATUS={line}"));
}
