//! Clients that are silent, endless or do not read: pulse goes on, and others are served.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use caribe_lab::measure::Stalls;

use crate::directors::*;

#[test]
fn stuck_clients_neither_blind_others_nor_cost_the_service() {
    let pair = Directors::start("");
    let (active, standby) = pair.sides();
    let stuck = pair.host(active).run(|| {
        let mut stuck = Vec::new();
        for number in 0..300 {
            let mut client = UnixStream::connect(socket())?;
            // It may have been given up already.
            let _ = match number % 3 {
                0 => Ok(()),
                1 => client.write_all(&[b'x'; 3000]),
                _ => client.write_all(&vec![b'x'; 100_000]),
            };
            stuck.push(client);
        }
        Ok(stuck)
    });
    let stuck = stuck.expect("clients");
    let begun = Instant::now();
    let screen = pair.screen(active);
    let took = Stalls::watch().ran_since(begun);
    assert!(screen.contains("pulse    active"), "{screen}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    pair.stays(active);
    assert!(pair.screen(standby).contains("pulse    standby"));
    drop(stuck);
}

#[test]
fn without_a_descriptor_left_pulse_does_not_spin_and_serves_on() {
    let pair = Directors::start("");
    let (active, standby) = pair.sides();
    let pid = pair
        .host(active)
        .processes_named("pulse")
        .expect("processes")[0];
    let open = format!("ls /proc/{pid}/fd | wc -l");
    let (_, count) = said(&pair.run(active, &["sh", "-c", &open]));
    let limit = format!("prlimit --pid {pid} --nofile={0}:{0}", count.trim());
    assert_eq!(said(&pair.run(active, &["sh", "-c", &limit])).0, Some(0));
    let client = pair.host(active).run(|| UnixStream::connect(socket()));
    let client = client.expect("it waits in the queue");
    let spent = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .expect("fields")
            .split(' ')
            .collect();
        let ticks = |place: usize| fields[place].parse::<u64>().expect("a number");
        ticks(12) + ticks(13)
    };
    let before = spent();
    pair.stays(active);
    let used = spent() - before;
    // A loop that spins uses 100 a second, for six seconds.
    assert!(used < 150, "{used} ticks");
    assert!(pair.screen(standby).contains("pulse    standby"));
    assert_eq!(
        said(&pair.run(
            active,
            &[
                "sh",
                "-c",
                &format!("prlimit --pid {pid} --nofile=1024:1024")
            ]
        ))
        .0,
        Some(0)
    );
    drop(client);
    pair.wait("heard again", || {
        said(&pair.run(active, &["/usr/sbin/pulse", "--status"])).0 == Some(0)
    });
}
