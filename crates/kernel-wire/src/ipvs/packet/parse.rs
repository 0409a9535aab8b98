//! Attributes of a message to its variant, by the family's decoders.

#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::arithmetic_side_effects
)]

use lvs_model::{DestinationEntry, ServiceKey, VirtualService};
use netlink_packet_core::ParseableParametrized;
use netlink_packet_generic::GenlHeader;

use super::message::IpvsMessage;
use crate::ipvs::decode::{
    Detail, decode_daemon, decode_destination, decode_info, decode_service, decode_timeouts,
    named_destination, named_role, named_service,
};
use crate::ipvs::names::{GENL_VERSION, cmd, dest, svc, top};
use crate::netlink::{self, DecodeError, Message};

type Decoded<T> = Result<T, DecodeError>;

impl ParseableParametrized<[u8], GenlHeader> for IpvsMessage {
    fn parse_with_param(
        attributes: &[u8],
        header: GenlHeader,
    ) -> Result<Self, netlink_packet_core::DecodeError> {
        message(header.cmd, attributes).map_err(|error| error.to_string().into())
    }
}

/// The message of this command with these attributes.
fn message(command: u8, attributes: &[u8]) -> Decoded<IpvsMessage> {
    let body = body(command, attributes);
    let message = as_message(&body);
    Ok(match command {
        cmd::NEW_SERVICE if has(attributes, top::SERVICE, &[svc::STATS, svc::STATS64])? => {
            IpvsMessage::Service(decode_service(&message, Detail::All)?)
        }
        cmd::NEW_SERVICE => IpvsMessage::NewService(service(attributes)?),
        cmd::SET_SERVICE => IpvsMessage::SetService(service(attributes)?),
        cmd::DEL_SERVICE => IpvsMessage::DelService(key(&message)?),
        cmd::GET_SERVICE => IpvsMessage::GetService(named_service(&message)?),
        cmd::NEW_DEST => new_destination(attributes, &message)?,
        cmd::SET_DEST => {
            let key = key(&message)?;
            IpvsMessage::SetDest(key, destination(attributes, &key)?.destination)
        }
        cmd::DEL_DEST => {
            let key = key(&message)?;
            IpvsMessage::DelDest(key, named_destination(&message, key.family())?)
        }
        cmd::GET_DEST => IpvsMessage::GetDest(key(&message)?),
        cmd::NEW_DAEMON => IpvsMessage::NewDaemon(decode_daemon(&message)?),
        cmd::DEL_DAEMON => IpvsMessage::DelDaemon(named_role(&message)?),
        cmd::GET_DAEMON => IpvsMessage::GetDaemon,
        cmd::SET_CONFIG => IpvsMessage::SetConfig(decode_timeouts(&message)?),
        cmd::GET_CONFIG => IpvsMessage::GetConfig,
        cmd::SET_INFO => IpvsMessage::SetInfo(decode_info(&message)?),
        cmd::GET_INFO => IpvsMessage::GetInfo,
        cmd::ZERO => IpvsMessage::Zero(named_service(&message)?),
        cmd::FLUSH => IpvsMessage::Flush,
        _ => return Err(DecodeError::Invalid("command")),
    })
}

/// `attributes` behind the generic header of `command`: so the decoders take them.
fn body(command: u8, attributes: &[u8]) -> Vec<u8> {
    [&[command, GENL_VERSION, 0, 0], attributes].concat()
}

const fn as_message(body: &[u8]) -> Message<'_> {
    Message {
        kind: 0,
        flags: 0,
        sequence: 0,
        port: 0,
        body,
    }
}

/// Whether one of the attributes `kinds` stands inside `nest`.
fn has(attributes: &[u8], nest: u16, kinds: &[u16]) -> Decoded<bool> {
    for attribute in netlink::attributes(attributes) {
        let attribute = attribute?;
        if attribute.kind != nest {
            continue;
        }
        for inside in attribute.nested() {
            if kinds.contains(&inside?.kind) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn key(message: &Message<'_>) -> Decoded<ServiceKey> {
    named_service(message)?.ok_or(DecodeError::Missing("service"))
}

/// The settings of a service, whichever command they came with.
fn service(attributes: &[u8]) -> Decoded<VirtualService> {
    let body = body(cmd::NEW_SERVICE, attributes);
    Ok(decode_service(&as_message(&body), Detail::NoCounters)?.service)
}

/// A destination of the service `key`, whichever command it came with.
fn destination(attributes: &[u8], key: &ServiceKey) -> Decoded<DestinationEntry> {
    let body = body(cmd::NEW_DEST, attributes);
    decode_destination(&as_message(&body), key.family(), Detail::All)
}

/// A request names the service. A reply does not: so it has to name the destination's family, as
/// every kernel since 3.18 does.
fn new_destination(attributes: &[u8], message: &Message<'_>) -> Decoded<IpvsMessage> {
    if let Some(key) = named_service(message)? {
        let entry = destination(attributes, &key)?;
        return Ok(IpvsMessage::NewDest(key, entry.destination));
    }
    if !has(attributes, top::DEST, &[dest::ADDR_FAMILY])? {
        return Err(DecodeError::Missing("address family"));
    }
    let family = lvs_model::AddressFamily::Inet;
    Ok(IpvsMessage::Dest(decode_destination(
        message,
        family,
        Detail::All,
    )?))
}
