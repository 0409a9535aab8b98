//! The steps of the demonstration, in order. Each makes one thing happen, watches it and judges it.

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::stage::Stage;
use super::step::Step;
use crate::cluster::Cluster;
use crate::measure::{Account, Connections, Outcome, Requests};
use crate::topology::DIRECTORS;

type Play = fn(&mut Stage<'_>) -> io::Result<Step>;

/// All of them.
pub(super) const ALL: [Play; 7] = [
    start,
    spread_by_weight,
    lvsd_dies,
    real_server_dies,
    real_server_returns,
    director_dies,
    director_returns,
];

/// How many requests make a share.
const SHARE_REQUESTS: usize = 320;
/// How far a share may be from the weight's, percentage points.
const SHARE_TOLERANCE: f64 = 5.0;
/// Connections that must outlive lvsd.
const CONNECTIONS: usize = 500;
/// Requests that a step needs to say something about requests.
const SOME: usize = 20;
/// The server that dies and comes back.
const VICTIM: &str = "rs2";
/// Slow start: a server's weight doubles every 20 s.
const DOUBLING: Duration = Duration::from_secs(20);

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn start(stage: &mut Stage<'_>) -> io::Result<Step> {
    let mut step = Step::new("start, full weights", "one owner");
    stage.timeline.chapter("1. The cluster starts")?;
    let begun = Instant::now();
    for director in DIRECTORS {
        stage.cluster.start_pulse(director)?;
        stage
            .timeline
            .event(&format!("{director}: pulse started"))?;
    }
    let settings = stage.cluster.settings().clone();
    let owned = seconds(settings.deadtime + settings.keepalive + 2);
    let owner = |cluster: &Cluster| Ok(cluster.active()?.is_some());
    if step.wait(&stage.cluster, owned, owner)?.is_none() {
        step.timed(begun, None, owned);
        return Ok(step);
    }
    let active = stage.active()?;
    stage
        .timeline
        .event(&format!("{active} is active: it holds the virtual address"))?;
    let doublings = settings
        .weights
        .iter()
        .map(|w| w.ilog2() + 1)
        .max()
        .unwrap_or(1);
    let target = owned + DOUBLING * doublings;
    let mut seen = Vec::new();
    while begun.elapsed() < target && !stage.cluster.has_full_weights(active)? {
        step.looks += 1;
        let now = stage.cluster.weights(active)?;
        if now != seen {
            stage
                .timeline
                .event(&format!("weights in the kernel's table: {}", words(&now)))?;
            seen = now;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let full = stage.cluster.has_full_weights(active)?.then(Instant::now);
    if full.is_some() {
        stage
            .timeline
            .event("every real server has its configured weight (a new one starts small)")?;
    }
    step.timed(begun, full, target);
    Ok(step)
}

fn words(weights: &[Option<i32>]) -> String {
    let one = |(number, weight): (usize, &Option<i32>)| {
        let weight = weight.map_or("-".into(), |weight| weight.to_string());
        format!("rs{} {weight}", number + 1)
    };
    weights
        .iter()
        .enumerate()
        .map(one)
        .collect::<Vec<_>>()
        .join(", ")
}

fn spread_by_weight(stage: &mut Stage<'_>) -> io::Result<Step> {
    let mut step = Step::new(
        "requests spread by weight",
        "5 percentage points, no request lost of 300",
    );
    stage.timeline.chapter("2. Requests are spread by weight")?;
    let client = stage.client()?;
    let enough = |_: &Cluster| Ok(client.replies().len() >= SHARE_REQUESTS);
    step.wait(&stage.cluster, seconds(30), enough)?;
    step.nothing_lost(client, 300);
    let sent = step.account.sent;
    let weights = stage.cluster.settings().weights.clone();
    let sum: u16 = weights.iter().sum();
    for ((name, _), weight) in stage.cluster.site().real_servers().iter().zip(weights) {
        let (wanted, share) = (
            100.0 * f64::from(weight) / f64::from(sum),
            step.account.share(name),
        );
        stage.timeline.event(&format!(
            "{name} answered {share:.1} % of {sent} requests, its weight says {wanted:.1} %"
        ))?;
        let near = (share - wanted).abs() <= SHARE_TOLERANCE;
        step.demand(near, || {
            format!("{name} answered {share:.1} % instead of {wanted:.1} %")
        });
    }
    Ok(step)
}

fn lvsd_dies(stage: &mut Stage<'_>) -> io::Result<Step> {
    let mut step = Step::new(
        "lvsd killed, 500 open connections",
        "no connection and no request lost, no change of the table",
    );
    stage
        .timeline
        .chapter("3. lvsd is killed while 500 connections are open")?;
    let active = stage.active()?;
    let target = stage.cluster.target();
    let mut open = Connections::open(stage.cluster.client()?, target, CONNECTIONS)?;
    stage
        .timeline
        .event(&format!("{CONNECTIONS} connections opened"))?;
    let client = stage.client()?;
    let host = stage.cluster.site().host(active)?;
    let before = stage.cluster.table(active)?.without_counts();
    let old = host.processes_named("lvsd")?;
    let fault = stage
        .timeline
        .fault(&format!("{active}: kill -9 of lvsd"))?;
    step.demand(stage.cluster.signal_lvsd(active, Signal::SIGKILL)?, || {
        "no lvsd there".into()
    });
    let mut changed = 0_u32;
    let again = step.wait(&stage.cluster, seconds(5), |cluster| {
        changed += u32::from(cluster.table(active)?.without_counts() != before);
        let now = cluster.site().host(active)?.processes_named("lvsd")?;
        Ok(now.iter().any(|pid| !old.contains(pid)))
    })?;
    step.timed(fault, again, seconds(5));
    if let Some(again) = again {
        stage
            .timeline
            .event_at(again, "pulse has started lvsd again")?;
    }
    // The new lvsd reads the file, finds the table and starts its nannies: watch it doing so.
    let watched = Instant::now();
    while watched.elapsed() < seconds(3) {
        step.looks += 1;
        changed += u32::from(stage.cluster.table(active)?.without_counts() != before);
        std::thread::sleep(Duration::from_millis(20));
    }
    let lost = open.lost();
    stage.timeline.event(&format!(
        "connections lost: {lost} of {CONNECTIONS}; the table {}",
        if changed == 0 {
            "never changed"
        } else {
            "changed"
        }
    ))?;
    step.demand(lost == 0, || format!("{lost} open connections lost"));
    step.demand(changed == 0, || "the table changed".into());
    step.nothing_lost(client, SOME);
    Ok(step)
}

fn real_server_dies(stage: &mut Stage<'_>) -> io::Result<Step> {
    let mut step = Step::new(
        "real server dies, leaves the table",
        "requests lost until then, none of those begun later",
    );
    stage.timeline.chapter("4. A real server dies")?;
    let active = stage.active()?;
    let target = seconds(3 * stage.cluster.settings().timeout);
    let client = stage.client()?;
    stage.let_ask(seconds(1));
    let fault = stage
        .timeline
        .fault(&format!("{VICTIM}: its server is killed"))?;
    stage.cluster.kill_server(VICTIM);
    let gone = step.wait(&stage.cluster, target + seconds(5), |cluster| {
        let weight = cluster.table(active)?.weight(victim(cluster)?);
        Ok(weight.is_none_or(|weight| weight == 0))
    })?;
    step.timed(fault, gone, target);
    if let Some(gone) = gone {
        stage
            .timeline
            .event_at(gone, &format!("{VICTIM} is out of {active}'s table"))?;
        stage.let_ask(seconds(2));
        let later = client.since(gone);
        stage.timeline.event(&format!(
            "{} requests since then, {} failed",
            later.sent, later.lost
        ))?;
        if let Err(why) = later.all_served(SOME) {
            step.failures.push(format!("after the removal: {why}"));
        }
    }
    step.account = Account::of(&client.finish());
    Ok(step)
}

fn victim(cluster: &Cluster) -> io::Result<IpAddr> {
    let all = cluster.site().real_servers();
    let found = all.into_iter().find(|(name, _)| name == VICTIM);
    found
        .map(|(_, rip)| rip)
        .ok_or_else(|| io::Error::other(format!("no real server {VICTIM}")))
}

fn real_server_returns(stage: &mut Stage<'_>) -> io::Result<Step> {
    let mut step = Step::new("real server returns", "no request lost");
    stage.timeline.chapter("5. The real server comes back")?;
    let active = stage.active()?;
    let settings = stage.cluster.settings().clone();
    let target = seconds(settings.reentry + 2 * settings.timeout);
    let client = stage.client()?;
    let begun = stage
        .timeline
        .fault(&format!("{VICTIM}: its server runs again"))?;
    stage.cluster.start_server(VICTIM)?;
    let back = step.wait(&stage.cluster, target + seconds(5), |cluster| {
        let weight = cluster.table(active)?.weight(victim(cluster)?);
        Ok(weight.is_some_and(|weight| weight > 0))
    })?;
    step.timed(begun, back, target);
    if let Some(back) = back {
        stage
            .timeline
            .event_at(back, &format!("{VICTIM} is in {active}'s table again"))?;
        stage.let_ask(seconds(1));
        let share = client.since(back).share(VICTIM);
        stage
            .timeline
            .event(&format!("{VICTIM} answers {share:.1} % (it starts small)"))?;
        step.demand(share > 0.0, || format!("{VICTIM} answers nothing"));
    }
    step.nothing_lost(client, SOME);
    Ok(step)
}

fn director_dies(stage: &mut Stage<'_>) -> io::Result<Step> {
    let mut step = Step::new(
        "active director dies, service back",
        "requests lost until then, none of those begun later",
    );
    stage.timeline.chapter("6. The active director dies")?;
    let active = stage.active()?;
    let target = seconds(stage.cluster.settings().deadtime + 1);
    let client = stage.client()?;
    stage.let_ask(seconds(1));
    let fault = stage.cluster.power_off(active)?;
    let text = format!("{active}: links cut, every process killed");
    stage.timeline.fault_at(fault, &text)?;
    let served = |client: &Requests| {
        let good = |outcome: &Outcome| matches!(outcome, Outcome::Served(_));
        let replies = client.replies();
        replies
            .iter()
            .find(|r| r.begun > fault && good(&r.outcome))
            .map(|reply| reply.ended)
    };
    step.wait(&stage.cluster, target + seconds(10), |_| {
        Ok(served(&client).is_some())
    })?;
    let back = served(&client);
    step.timed(fault, back, target);
    if let Some(back) = back {
        stage
            .timeline
            .event_at(back, "the client is served again")?;
        stage.let_ask(seconds(2));
        let later = client.since(back);
        if let Err(why) = later.all_served(SOME) {
            step.failures.push(format!("after the takeover: {why}"));
        }
    }
    step.account = Account::of(&client.finish());
    Ok(step)
}

fn director_returns(stage: &mut Stage<'_>) -> io::Result<Step> {
    let mut step = Step::new(
        "director returns, one owner",
        "always one owner, no request lost",
    );
    stage.timeline.chapter("7. The failed director returns")?;
    let returning = dead(stage)?;
    let settings = stage.cluster.settings().clone();
    let client = stage.client()?;
    let begun = stage
        .timeline
        .fault(&format!("{returning}: links up, pulse started"))?;
    stage.cluster.power_on(returning)?;
    let mut owned_by = [0_u32; 3];
    while begun.elapsed() < seconds(settings.deadtime + 3 * settings.keepalive + 2) {
        let owners = stage.cluster.site().owners()?.len();
        if let Some(count) = owned_by.get_mut(owners) {
            *count += 1;
        }
        step.looks += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    let ([none, one, two], looks) = (owned_by, step.looks);
    let owner = stage.cluster.active()?.unwrap_or("nobody");
    stage.timeline.event(&format!(
        "looked {looks} times: always one owner: {}",
        one == looks
    ))?;
    stage
        .timeline
        .event(&format!("{owner} goes on serving, {returning} stands by"))?;
    step.demand(two == 0, || format!("two owners in {two} of {looks} looks"));
    step.demand(none == 0, || format!("no owner in {none} of {looks} looks"));
    let vip = stage.cluster.site().vip();
    for claim in stage.owners.of(vip, begun) {
        let who = stage
            .cluster
            .site()
            .network()
            .owner_of(&claim.mac)
            .unwrap_or("a stranger");
        step.demand(who == owner, || format!("{who} announced the address"));
    }
    step.nothing_lost(client, SOME);
    Ok(step)
}

/// The director without the address.
fn dead(stage: &Stage<'_>) -> io::Result<&'static str> {
    let mut owners = Vec::new();
    for name in DIRECTORS {
        if stage
            .cluster
            .site()
            .host(name)?
            .processes_named("pulse")?
            .is_empty()
        {
            owners.push(name);
        }
    }
    owners
        .pop()
        .ok_or_else(|| io::Error::other("no director is dead"))
}
