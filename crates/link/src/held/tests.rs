use std::time::Duration;

use super::*;

fn link(index: u32, name: &str) -> Link {
    Link {
        index,
        name: name.to_owned(),
        mac: Some(Mac([2, 0, 0, 0, 0, u8::try_from(index).unwrap()])),
        up: true,
        running: true,
        promotes: Some(false),
        takes_ipv6: true,
        has_neighbours: true,
    }
}

fn wanted(address: &str, interface: &str) -> Assignment {
    Assignment {
        address: address.parse().unwrap(),
        prefix: 24,
        interface: interface.to_owned(),
        label: format!("{interface}:1"),
    }
}

fn holding(address: &str) -> Held {
    let mut held = Held::new(Some(vec![link(2, "eth0"), link(3, "eth1")]), &[]);
    let placed = held.place(&[wanted(address, "eth0")]);
    assert_eq!(held.replace(&placed), []);
    held
}

#[test]
fn a_renamed_interface_is_followed_and_its_old_name_is_known() {
    let mut held = holding("10.1.0.50");
    let found = held.hear(Event::Link(link(2, "lan0")));
    assert!(found.link_changed && found.interface_changed);
    assert_eq!(held.assignments()[0].interface, "lan0");
    // What lvs.cf calls eth0 is lan0 now, until another one has that name.
    let placed = held.place(&[wanted("10.1.0.50", "eth0")]);
    assert_eq!(placed[0].interface, "lan0");
    assert_eq!(held.replace(&placed), []);
    held.hear(Event::Link(link(4, "eth0")));
    let placed = held.place(&[wanted("10.1.0.50", "eth0")]);
    assert_eq!(placed[0].interface, "eth0");
    assert_eq!(held.replace(&placed).len(), 1);
}

#[test]
fn only_what_is_held_and_gone_is_missed() {
    let mut held = holding("10.1.0.50");
    let links = [link(2, "eth0"), link(3, "eth1")];
    let there = held.assignments()[0].resolve(&links).unwrap();
    let foreign = Address {
        address: "10.1.0.51".parse().unwrap(),
        ..there.clone()
    };
    assert!(!held.hear(Event::AddressGone(foreign)).removed);
    assert!(held.hear(Event::AddressGone(there.clone())).removed);
    let ours = held.assignments().to_vec();
    assert_eq!(held.missing(Some((&[there], &links))), Missing::default());
    assert_eq!(held.missing(Some((&[], &links))).removed, ours);
    // Without its interface it waits.
    assert_eq!(held.missing(Some((&[], &links[1..]))), Missing::default());
}

#[test]
fn what_is_there_is_adopted_and_the_rest_is_not_held() {
    let links = [link(2, "eth0"), link(3, "eth1")];
    let mut held = Held::new(Some(links.to_vec()), &[]);
    let both = [wanted("10.1.0.50", "eth0"), wanted("10.1.0.51", "eth0")];
    let there = Address {
        prefix: 32,
        ..both[1].resolve(&links).unwrap()
    };
    let elsewhere = Address {
        interface: 3,
        ..both[0].resolve(&links).unwrap()
    };
    held.adopt(&both, &[there, elsewhere], &links);
    assert_eq!(held.assignments(), &both[1..]);
}

#[test]
fn what_could_not_be_compared_is_compared_again() {
    let mut held = holding("10.1.0.50");
    assert_eq!(held.missing(None), Missing::default());
    assert!(held.is_unsure());
    held.missing(Some((&[], &[])));
    assert!(!held.is_unsure());
}

#[test]
fn a_link_is_news_when_it_is_new_comes_back_or_is_another() {
    let mut held = Held::new(Some(vec![link(2, "eth0")]), &[]);
    let mut news = |link: &Link| held.hear(Event::Link(link.clone())).interface_changed;
    let mut eth0 = link(2, "eth0");
    assert!(!news(&eth0));
    eth0.running = false;
    assert!(!news(&eth0));
    eth0.running = true;
    assert!(news(&eth0));
    eth0.mac = Some(Mac([2; 6]));
    assert!(news(&eth0));
    assert!(news(&link(3, "eth1")));
    assert!(held.is_own(Mac([2; 6])) && !held.is_own(Mac([9; 6])));
    held.hear(Event::LinkGone(link(3, "eth1")));
    assert!(held.hear(Event::Link(link(3, "eth1"))).interface_changed);
}

#[test]
fn lost_notifications_are_made_good_by_reading() {
    let mut held = holding("10.1.0.50");
    let found = held.hear(Event::Lost);
    assert!(found.lost && found.removed && found.link_changed);
    assert!(held.read_links(Some(vec![link(2, "lan0")])));
    assert_eq!(held.assignments()[0].interface, "lan0");
    assert!(!held.read_links(Some(vec![link(2, "lan0")])));
    assert!(!held.is_own(link(3, "eth1").mac.unwrap()));
}

#[test]
fn a_device_that_is_missing_down_or_without_carrier_is_trouble() {
    let down = Link {
        up: false,
        running: false,
        ..link(3, "eth1")
    };
    let dead = Link {
        running: false,
        ..link(4, "eth2")
    };
    let mut held = Held::new(Some(vec![link(2, "eth0"), down, dead]), &[]);
    let wanted = ["eth0", "eth1", "eth2", "eth3"].map(|name| wanted("10.1.0.50", name));
    let said = |held: &mut Held, monitors_links| {
        let troubles = held.troubles(&wanted, monitors_links).unwrap();
        crate::trouble::news(&troubles)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let expected = [
        "address 10.1.0.50: device eth1 is down",
        "address 10.1.0.50: device eth2 has no carrier",
        "address 10.1.0.50: there is no device eth3",
    ];
    assert_eq!(said(&mut held, true), expected);
    assert_eq!(said(&mut held, false), [expected[0], expected[2]]);
    // A renamed one is followed, and called what lvs.cf calls it.
    held.hear(Event::Link(link(2, "lan0")));
    held.hear(Event::Link(Link {
        up: false,
        ..link(2, "lan0")
    }));
    assert_eq!(
        said(&mut held, false)[0],
        "address 10.1.0.50: device eth0 is down"
    );
    held.hear(Event::LinkGone(link(2, "lan0")));
    assert_eq!(
        said(&mut held, false)[0],
        "address 10.1.0.50: there is no device eth0"
    );
}

#[test]
fn a_refused_address_is_trouble_until_it_is_tried_again() {
    let at = |seconds| Mono::new(Duration::from_secs(seconds));
    let mut held = holding("10.1.0.50");
    let ours = held.assignments().to_vec();
    let address = ours[0].address;
    held.raised(at(1), [(address, false)].into_iter());
    assert_eq!(held.next(), Some(Mono::ZERO));
    assert!(held.tick(at(1)).link_changed);
    assert_eq!(held.troubles(&ours, false).unwrap()[0].what, Fault::Refused);
    assert_eq!(held.next(), Some(at(61)));
    assert_eq!(held.tick(at(60)), Found::default());
    // Before that it is missing, and nobody has removed it.
    let links = [link(2, "eth0")];
    assert_eq!(held.missing(Some((&[], &links))), Missing::default());
    let found = held.tick(at(61));
    assert!(found.retry && !found.removed && !found.link_changed);
    let missing = held.missing(Some((&[], &links)));
    assert_eq!((missing.removed, &missing.retried), (vec![], &ours));
    held.raised(at(61), [(address, false)].into_iter());
    assert_eq!(held.next(), Some(at(121)), "said once");
    held.raised(at(121), [(address, true)].into_iter());
    assert!(held.tick(at(121)).link_changed);
    assert_eq!(held.troubles(&ours, false), Some(Vec::new()));
    assert_eq!(held.next(), None);
    // Who is not active tries nothing.
    held.raised(at(130), [(address, false)].into_iter());
    held.replace(&[]);
    held.tick(at(131));
    assert!(held.tick(at(190)).link_changed);
    assert_eq!(held.troubles(&ours, false), Some(Vec::new()));
}

#[test]
fn what_the_kernel_could_not_be_asked_to_raise_is_raised_again() {
    let mut held = holding("10.1.0.50");
    let ours = held.assignments().to_vec();
    let links = [link(2, "eth0")];
    held.not_raised();
    assert!(held.is_unsure());
    let again = |held: &mut Held| {
        assert!(held.tick(Mono::ZERO).retry);
        let missing = held.missing(Some((&[], &links)));
        assert_eq!((missing.removed, &missing.retried), (vec![], &ours));
    };
    again(&mut held);
    // It is raised later, or was not in vain.
    again(&mut held);
    held.missing(None);
    again(&mut held);
    held.raised(Mono::ZERO, [(ours[0].address, true)].into_iter());
    assert_eq!(held.missing(Some((&[], &links))).removed, ours);
    assert!(!held.is_unsure() && !held.tick(Mono::ZERO).retry);
    // All of them may be there.
    held.not_raised();
    let there = ours[0].resolve(&links).unwrap();
    held.missing(Some((&[there], &links)));
    assert!(!held.is_unsure());
    held.not_raised();
    held.replace(&[]);
    assert!(!held.is_unsure(), "nothing is held any more");
}

#[test]
fn a_card_without_ipv6_serves_no_ipv6_address() {
    let mut off = link(2, "eth0");
    off.takes_ipv6 = false;
    let mut held = Held::new(Some(vec![off]), &[]);
    let both = [wanted("10.1.0.50", "eth0"), wanted("2001:db8::50", "eth0")];
    let troubles = held.troubles(&both, false).unwrap();
    assert_eq!(troubles.len(), 1);
    assert_eq!(troubles[0].what, Fault::NoIpv6);
    // Switched on again the card gets a link-local address; that is all the kernel says.
    let mut told = both[1].resolve(&[link(2, "eth0")]).unwrap();
    told.address = "fe80::1".parse().unwrap();
    assert!(held.hear(Event::Address(told.clone())).lost);
    assert!(held.hear(Event::AddressGone(told)).lost);
    held.read_links(Some(vec![link(2, "eth0")]));
    assert_eq!(held.troubles(&both, false), Some(Vec::new()));
}

#[test]
fn interfaces_that_could_not_be_read_are_not_gone() {
    let mut held = holding("10.1.0.50");
    let ours = held.assignments().to_vec();
    assert!(held.hear(Event::Lost).lost);
    assert!(!held.read_links(None));
    assert_eq!(held.troubles(&ours, false), None);
    assert!(held.is_unsure() && held.tick(Mono::ZERO).lost, "read again");
    held.read_links(Some(Vec::new()));
    assert!(!held.tick(Mono::ZERO).lost);
    assert_eq!(held.troubles(&ours, false).unwrap().len(), 1);
}

#[test]
fn what_could_not_be_taken_down_is_kept_tried_again_and_nobody_elses() {
    let now = |seconds| Mono::new(Duration::from_secs(seconds));
    let mut held = holding("10.1.0.50");
    held.want(&[wanted("10.1.0.50", "eth0")]);
    let links = [link(2, "eth0"), link(3, "eth1")];
    let there = [held.assignments()[0].resolve(&links).unwrap()];
    let gone = held.replace(&[]);
    assert_eq!(held.dropped(now(1), &gone, &gone), gone);
    assert_eq!(held.next(), Some(now(2)));
    assert_eq!((held.left(), held.all_here()), (&gone[..], gone.clone()));
    // It is ours, and said already.
    assert_eq!(held.look_for_strays(Some((&there, &links))), []);
    held.hear(Event::Link(link(2, "lan0")));
    assert_eq!(held.left()[0].interface, "lan0");
    let left = held.left_due(now(2));
    assert_eq!((left.len(), held.left_due(now(2)).len()), (1, 0));
    assert_eq!(held.dropped(now(2), &left, &left), []);
    // Held again, it is not to go.
    held.replace(&left);
    assert_eq!((held.left(), held.all_here()), (&[][..], left.clone()));
    assert_eq!((held.next(), held.left_due(now(9))), (None, Vec::new()));
    let gone = held.replace(&[]);
    assert_eq!(held.dropped(now(10), &gone, &[]), []);
    assert_eq!((held.left().len(), held.next()), (0, None));
}

/// Its going is reported like any other, and nothing has to be read for it.
#[test]
fn an_address_that_was_taken_down_is_no_stray_and_one_that_was_found_is() {
    let mut held = holding("10.1.0.50");
    held.want(&[wanted("10.1.0.50", "eth0")]);
    let links = [link(2, "eth0"), link(3, "eth1")];
    let there = [held.assignments()[0].resolve(&links).unwrap()];
    let gone = || Event::AddressGone(there[0].clone());
    held.replace(&[]);
    assert!(!held.hear(gone()).stray);
    assert!(held.hear(Event::Address(there[0].clone())).stray);
    assert_eq!(held.look_for_strays(Some((&there, &links))).len(), 1);
    assert!(held.hear(gone()).stray);
    assert_eq!(held.look_for_strays(Some((&[], &links))).len(), 1);
}
