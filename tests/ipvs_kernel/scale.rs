//! Big tables: how many system calls, and whether a refusal finds its change.

use caribe_tests::{SOON, wait_until};
use ipvs::{Calls, Errno, Ipvs, NetlinkIpvs};
use lvs_model::{IpvsOp, Protocol, ServiceKey, VirtualService};

use crate::{kernel, server, service};

/// The key of the `n`-th service.
fn numbered(n: u16) -> ServiceKey {
    let [high, low] = n.to_be_bytes();
    service(Protocol::Tcp, &format!("192.0.{high}.{low}:80"))
}

/// System calls that `work` made.
fn counted(table: &mut NetlinkIpvs, work: impl FnOnce(&mut NetlinkIpvs)) -> Calls {
    let before = table.calls();
    work(table);
    let after = table.calls();
    Calls {
        sends: after.sends - before.sends,
        receives: after.receives - before.receives,
        others: after.others - before.others,
    }
}

/// System calls of a listing that gives `size` entries. The kernel has one table for all namespaces:
/// while a test beside this one changes its own, a listing can repeat and miss entries.
fn counted_once_whole(
    table: &mut NetlinkIpvs,
    size: usize,
    list: impl Fn(&mut NetlinkIpvs) -> usize,
) -> Calls {
    let mut calls = None;
    let whole = wait_until(SOON, || {
        let mut found = 0;
        calls = Some(counted(table, |table| found = list(table)));
        found == size
    });
    calls.filter(|_| whole.is_some()).expect("a whole listing")
}

#[test]
fn four_thousand_services_take_few_system_calls() {
    let mut table = kernel();
    let adds: Vec<IpvsOp> = (0..4000)
        .map(|n| IpvsOp::AddService(VirtualService::new(numbered(n))))
        .collect();
    let opened = table.calls();
    let added = counted(&mut table, |table| {
        assert!(table.apply(&adds).unwrap().is_empty());
    });
    let dumped = counted_once_whole(&mut table, 4000, |table| table.services().unwrap().len());
    let report = format!(
        "system calls: {} to open, {} to add 4000 services, {} to dump them",
        opened.total(),
        added.total(),
        dumped.total()
    );
    assert!(added.total() <= 200 && dumped.total() <= 60, "{report}");
    crate::report(&report);
}

#[test]
fn ten_thousand_destinations_take_few_system_calls() {
    let mut table = kernel();
    let mut ops = Vec::new();
    for n in 0..100 {
        let key = numbered(n);
        ops.push(IpvsOp::AddService(VirtualService::new(key)));
        ops.extend(
            (1..=100)
                .map(|host| IpvsOp::AddDestination(key, server(&format!("198.51.100.{host}:80")))),
        );
    }
    let added = counted(&mut table, |table| {
        assert!(table.apply(&ops).unwrap().is_empty());
    });
    let listed = counted_once_whole(&mut table, 10_000, |table| {
        let mut shown = 0;
        for entry in table.services().unwrap() {
            table
                .each_destination(&entry.service.key, &mut |_| shown += 1)
                .unwrap();
        }
        shown
    });
    let report = format!(
        "system calls: {} to restore 100 services with 100 destinations each, {} to list them",
        added.total(),
        listed.total()
    );
    // One in a hundred rules; a send, two datagrams and an end for each service.
    assert!(added.total() <= 101 && listed.total() <= 420, "{report}");
    crate::report(&report);
}

#[test]
fn every_refusal_of_a_big_batch_finds_its_change() {
    let mut table = kernel();
    // Every second change doubles the one before: more refusals than a default buffer holds.
    let ops: Vec<IpvsOp> = (0..3000)
        .map(|n| IpvsOp::AddService(VirtualService::new(numbered(n / 2))))
        .collect();
    let refusals = table.apply(&ops).unwrap();
    assert_eq!(refusals.len(), 1500);
    for (n, refusal) in refusals.iter().enumerate() {
        assert_eq!((refusal.index, refusal.errno), (2 * n + 1, Errno::EEXIST));
    }
    assert_eq!(table.services().unwrap().len(), 1500);
}

#[test]
fn a_batch_in_which_all_is_refused_loses_no_answer() {
    let mut table = kernel();
    let ops: Vec<IpvsOp> = (0..5000)
        .map(|n| IpvsOp::DeleteService(numbered(n)))
        .collect();
    let refusals = table.apply(&ops).unwrap();
    assert_eq!(refusals.len(), 5000);
    assert!(refusals.iter().all(|refusal| refusal.errno == Errno::ESRCH));
    // The longest list that goes without more room.
    let refusals = table.apply(&ops[..128]).unwrap();
    assert_eq!(refusals.len(), 128);
}

#[test]
fn the_longest_list_without_more_room_loses_no_answer() {
    let mut table = kernel();
    let key = numbered(1);
    let ops = vec![IpvsOp::AddDestination(key, server("198.51.100.1:80")); 128];
    let calls = counted(&mut table, |table| {
        assert_eq!(table.apply(&ops).unwrap().len(), 128);
    });
    assert_eq!((calls.sends, calls.others), (1, 0));
}
