//! Attributes of services.

use lvs_model::{
    AddressFamily, EngineName, IpvsOp, Netmask, Protocol, SchedulerFlags, SchedulerName,
    ServiceKey, VirtualService,
};

use crate::{done, mark, on_both, service};

pub(crate) fn keys() -> Vec<ServiceKey> {
    vec![
        service(Protocol::Tcp, "192.0.2.1:443"),
        service(Protocol::Udp, "192.0.2.1:443"),
        service(Protocol::Sctp, "192.0.2.1:443"),
        service(Protocol::Other(999), "192.0.2.1:1"),
        service(Protocol::Tcp, "192.0.2.1:0"),
        service(Protocol::Tcp, "255.255.255.255:65535"),
        service(Protocol::Tcp, "[2001:db8::1]:443"),
        service(Protocol::Udp, "[2001:db8::1]:443"),
        service(Protocol::Tcp, "[::]:1"),
        mark(1, AddressFamily::Inet),
        mark(1, AddressFamily::Inet6),
        mark(u32::MAX, AddressFamily::Inet),
    ]
}

/// Services that differ from the default in one setting each, and one that differs in all.
pub(crate) fn variants(key: ServiceKey) -> Vec<VirtualService> {
    let default = VirtualService::new(key);
    let mut variants = vec![default.clone()];
    let mut vary = |change: &dyn Fn(&mut VirtualService)| {
        let mut service = default.clone();
        change(&mut service);
        variants.push(service);
    };
    for name in ["rr", "wrr", "sh", "mh", "none"] {
        vary(&|service| service.scheduler = SchedulerName::new(name).unwrap());
    }
    for flag in [
        SchedulerFlags::FLAG_1,
        SchedulerFlags::FLAG_2,
        SchedulerFlags::FLAG_3,
    ] {
        vary(&|service| service.scheduler_flags = flag);
    }
    for seconds in [1, 300, 2_678_400] {
        vary(&|service| service.persistence = Some(seconds));
    }
    vary(&|service| service.one_packet = true);
    vary(&|service| service.engine = EngineName::new("sip").ok());
    let masks = match key.family() {
        AddressFamily::Inet => vec![
            Netmask::Inet([255, 255, 255, 0].into()),
            Netmask::Inet([0, 0, 0, 0].into()),
            Netmask::Inet([255, 0, 255, 1].into()),
        ],
        AddressFamily::Inet6 => vec![Netmask::Inet6(1), Netmask::Inet6(64)],
    };
    for mask in masks {
        vary(&|service| service.netmask = mask);
    }
    vary(&|service| {
        service.scheduler = SchedulerName::new("mh").unwrap();
        service.scheduler_flags = SchedulerFlags::FLAG_1.with(SchedulerFlags::FLAG_2);
        service.persistence = Some(77);
        service.one_packet = true;
        service.engine = EngineName::new("sip").ok();
    });
    variants
}

#[test]
fn every_setting_of_a_service_comes_back_as_it_was_added() {
    on_both(|table| {
        for key in keys() {
            for service in variants(key) {
                done(table, IpvsOp::AddService(service.clone()));
                assert_eq!(table.service(&key).unwrap().service, service);
                let listed = table.services().unwrap();
                assert_eq!(listed.len(), 1);
                assert_eq!(listed[0].service, service);
                done(table, IpvsOp::DeleteService(key));
            }
        }
        assert!(table.services().unwrap().is_empty());
    });
}

#[test]
fn editing_a_service_replaces_every_setting() {
    on_both(|table| {
        let key = service(Protocol::Tcp, "[2001:db8::1]:80");
        let variants = variants(key);
        done(table, IpvsOp::AddService(variants[0].clone()));
        for from in &variants {
            for to in &variants {
                done(table, IpvsOp::EditService(from.clone()));
                done(table, IpvsOp::EditService(to.clone()));
                assert_eq!(table.service(&key).unwrap().service, *to);
            }
        }
    });
}

#[test]
fn services_of_every_kind_stand_side_by_side() {
    on_both(|table| {
        let adds: Vec<IpvsOp> = keys()
            .into_iter()
            .map(|key| IpvsOp::AddService(VirtualService::new(key)))
            .collect();
        assert!(table.apply(&adds).unwrap().is_empty());
        let mut found: Vec<ServiceKey> = table
            .services()
            .unwrap()
            .into_iter()
            .map(|entry| entry.service.key)
            .collect();
        found.sort();
        let mut wanted = keys();
        wanted.sort();
        assert_eq!(found, wanted);
        done(table, IpvsOp::Flush);
        assert!(table.services().unwrap().is_empty());
    });
}

#[test]
fn every_scheduler_of_a_distribution_is_known_to_both() {
    on_both(|table| {
        let names = [
            "dh", "fo", "lblc", "lblcr", "lc", "mh", "none", "nq", "ovf", "rr", "sed", "sh", "wlc",
            "wrr",
        ];
        for name in names {
            let mut wanted = VirtualService::new(service(Protocol::Tcp, "192.0.2.1:80"));
            wanted.scheduler = SchedulerName::new(name).unwrap();
            done(table, IpvsOp::AddService(wanted.clone()));
            done(table, IpvsOp::DeleteService(wanted.key));
        }
    });
}
