//! Numbers of linux/ip_vs.h and linux/genetlink.h, under their names there.
//!
//! Each enum of the header is a module here, with `ALL`: its names and numbers as a table.

/// One enum of the header: its constants, and the table of them.
macro_rules! numbers {
    ($(#[$doc:meta])* $module:ident: $type:ty, $prefix:literal {
        $($name:ident = $number:literal,)*
    }) => {
        $(#[$doc])*
        pub mod $module {
            $(
                #[doc = concat!("`", $prefix, stringify!($name), "`")]
                pub const $name: $type = $number;
            )*
            /// Every name above with its number.
            pub const ALL: &[(&str, $type)] = &[$((stringify!($name), $name)),*];
        }
    };
}

/// `struct genlmsghdr`: command, version, two bytes unused.
pub const GENL_HEADER: usize = 4;
/// `IPVS_GENL_NAME`: what the kernel's controller calls the family.
pub const GENL_NAME: &str = "IPVS";
/// `IPVS_GENL_VERSION`.
pub const GENL_VERSION: u8 = 1;

/// `AF_INET` as IPVS attributes carry it.
pub const AF_INET: u16 = 2;
/// `AF_INET6`.
pub const AF_INET6: u16 = 10;

/// `GENL_ID_CTRL`: the family that knows the others' numbers.
pub const GENL_ID_CTRL: u16 = 16;

numbers! {
    /// Commands of the controller.
    ctrl_cmd: u8, "CTRL_CMD_" {
        GETFAMILY = 3,
    }
}

numbers! {
    /// Attributes of the controller.
    ctrl_attr: u16, "CTRL_ATTR_" {
        FAMILY_ID = 1,
        FAMILY_NAME = 2,
    }
}

numbers! {
    /// Commands of the family.
    cmd: u8, "IPVS_CMD_" {
        NEW_SERVICE = 1,
        SET_SERVICE = 2,
        DEL_SERVICE = 3,
        GET_SERVICE = 4,
        NEW_DEST = 5,
        SET_DEST = 6,
        DEL_DEST = 7,
        GET_DEST = 8,
        NEW_DAEMON = 9,
        DEL_DAEMON = 10,
        GET_DAEMON = 11,
        SET_CONFIG = 12,
        GET_CONFIG = 13,
        SET_INFO = 14,
        GET_INFO = 15,
        ZERO = 16,
        FLUSH = 17,
    }
}

numbers! {
    /// Attributes right behind the header.
    top: u16, "IPVS_CMD_ATTR_" {
        SERVICE = 1,
        DEST = 2,
        DAEMON = 3,
        TIMEOUT_TCP = 4,
        TIMEOUT_TCP_FIN = 5,
        TIMEOUT_UDP = 6,
    }
}

numbers! {
    /// Attributes of a service.
    svc: u16, "IPVS_SVC_ATTR_" {
        AF = 1,
        PROTOCOL = 2,
        ADDR = 3,
        PORT = 4,
        FWMARK = 5,
        SCHED_NAME = 6,
        FLAGS = 7,
        TIMEOUT = 8,
        NETMASK = 9,
        STATS = 10,
        PE_NAME = 11,
        STATS64 = 12,
    }
}

numbers! {
    /// Bits of a service's flags that are no scheduler's.
    flag: u32, "IP_VS_SVC_F_" {
        PERSISTENT = 0x01,
        ONE_PACKET = 0x04,
    }
}

numbers! {
    /// Attributes of a destination.
    dest: u16, "IPVS_DEST_ATTR_" {
        ADDR = 1,
        PORT = 2,
        FWD_METHOD = 3,
        WEIGHT = 4,
        U_THRESH = 5,
        L_THRESH = 6,
        ACTIVE_CONNS = 7,
        INACT_CONNS = 8,
        PERSIST_CONNS = 9,
        STATS = 10,
        ADDR_FAMILY = 11,
        STATS64 = 12,
        TUN_TYPE = 13,
        TUN_PORT = 14,
        TUN_FLAGS = 15,
    }
}

numbers! {
    /// Attributes of a sync daemon.
    daemon: u16, "IPVS_DAEMON_ATTR_" {
        STATE = 1,
        MCAST_IFN = 2,
        SYNC_ID = 3,
        SYNC_MAXLEN = 4,
        MCAST_GROUP = 5,
        MCAST_GROUP6 = 6,
        MCAST_PORT = 7,
        MCAST_TTL = 8,
    }
}

numbers! {
    /// Attributes of the kernel's information about itself.
    info: u16, "IPVS_INFO_ATTR_" {
        VERSION = 1,
        CONN_TAB_SIZE = 2,
    }
}
