//! The nannies: started, listened to, replaced.

use control::{Order, Place, Report, Standing};
use lvs_model::{ChildExit, EndStep, Ending, Mono, Patience, Weight};

use crate::notice::{AfterDeath, Child, Notice};
use crate::supervision::{LONGEST_PAUSE, Life, Supervised};
use crate::{Action, Monitor, MonitorKey, NannyId, Site, StartError};

use super::timer::Timer;
use super::{Lvsd, Phase, Reading};

impl Lvsd {
    /// Starts the nannies that are due, but not before the table was read: a nanny goes on from what is in
    /// it. Kills those that hang, if everything that they have said `is_heard`.
    pub(super) fn tend_nannies(&mut self, now: Mono, is_heard: bool, out: &mut Vec<Action>) {
        // The table's arrival comes back here.
        if now < self.nannies.due
            || self.kernel.reading != Reading::Idle
            || self.phase != Phase::Running
        {
            return;
        }
        let mut next = now + LONGEST_PAUSE;
        for service in &self.site.services {
            let state = self.services.get(&service.service.key);
            let presence = state.and_then(|state| state.presence.as_ref());
            for destination in &service.destinations {
                let place = presence.map(|p| p.place(&destination.destination.key));
                for monitor in &destination.monitors {
                    let Some(watch) = self.nannies.watches.get_mut(&monitor.key) else {
                        continue;
                    };
                    if is_heard {
                        kill_silent(now, monitor, watch, out);
                    }
                    if matches!(watch.life, Life::Due(at) if at <= now) {
                        self.nannies.last_id += 1;
                        let nanny = NannyId(self.nannies.last_id);
                        watch.begin(now, nanny);
                        self.nannies.by_id.insert(nanny, monitor.key);
                        let found =
                            Standing::found(place.unwrap_or_default(), monitor.options.weight);
                        let standing = watch.standing.unwrap_or(found);
                        let mut options = Box::new(monitor.options.clone());
                        options.deaths = watch.recent_deaths(now);
                        out.push(Action::StartNanny(nanny, options));
                        out.push(Action::Tell(nanny, Order::Adopt(standing)));
                    }
                    let deadline = watch.deadline(monitor.options.check.timeout);
                    next = next.min(deadline.unwrap_or(next));
                }
            }
        }
        self.nannies.due = next;
    }

    /// A nanny runs, or could not be started.
    pub(super) fn take_start(
        &mut self,
        now: Mono,
        nanny: NannyId,
        result: Result<u32, StartError>,
        out: &mut Vec<Action>,
    ) {
        let Some(key) = self.nannies.by_id.get(&nanny).copied() else {
            // Told to end before the answer came. One that never began needs no wait.
            if result.is_err() {
                self.forget_ending(nanny, out);
            }
            return;
        };
        let Some(child) = self.index.child(&self.site, &key) else {
            return;
        };
        match result {
            Ok(pid) => {
                if let Some(watch) = self.nannies.watches.get_mut(&key) {
                    watch.run(pid);
                }
                out.push(Action::Notice(Notice::MonitorStarted(child, pid)));
            }
            Err(error) => {
                self.nannies.by_id.remove(&nanny);
                let Some(watch) = self.nannies.watches.get_mut(&key) else {
                    return;
                };
                // Thousands may lack the same thing, every few seconds.
                if !error.is_shortage || !watch.lacks_something() {
                    let notice = Notice::MonitorNotStarted(child.clone(), error.reason);
                    out.push(Action::Notice(notice));
                }
                let after = watch.fail_to_start(now, error.is_shortage);
                let after = self.or_give_up(now, after);
                self.follow_death(now, &key, child, after, out);
            }
        }
    }

    /// A nanny said something; a verdict in it waits for the end of the turn.
    pub(super) fn take_report(&mut self, now: Mono, nanny: NannyId, report: &Report) {
        let key = self.nannies.by_id.get(&nanny).copied();
        let Some((key, watch)) =
            key.and_then(|key| Some((key, self.nannies.watches.get_mut(&key)?)))
        else {
            return;
        };
        watch.hear(now);
        watch.note(now, report);
        if let Report::State { standing, .. } = report {
            // Good, but ending: it was told to end, and not by us. Another one takes its place, so its
            // server stays.
            if standing.phase.is_up() && standing.place == Place::Out {
                return;
            }
            let before = watch.standing.replace(*standing);
            let means_the_same =
                |before: Standing| (before.phase, before.place) == (standing.phase, standing.place);
            if before.is_some_and(means_the_same) {
                return;
            }
            if self.phase == Phase::Running {
                let destination = self.index.destination(&key);
                let unsettled = self.unsettled.entry(key.service).or_default();
                unsettled.extend(destination);
            }
        }
    }

    /// A nanny has ended: as it was told, or not.
    pub(super) fn take_end(
        &mut self,
        now: Mono,
        nanny: NannyId,
        exit: ChildExit,
        out: &mut Vec<Action>,
    ) {
        let Some(key) = self.nannies.by_id.remove(&nanny) else {
            self.forget_ending(nanny, out);
            return;
        };
        let child = self.index.child(&self.site, &key);
        let (Some(watch), Some(child)) = (self.nannies.watches.get_mut(&key), child) else {
            return;
        };
        let after = watch.die(now);
        let after = self.or_give_up(now, after);
        let notice = Notice::MonitorDied(child.clone(), exit, after);
        out.push(Action::Notice(notice));
        self.follow_death(now, &key, child, after, out);
    }

    /// With `hard_shutdown` lvsd ends when the nannies of every server keep dying, and none that was
    /// started since has reported a good check. Then this director cannot check, and the partner might.
    fn or_give_up(&self, now: Mono, after: AfterDeath) -> AfterDeath {
        let is_too_often = matches!(after, AfterDeath::ManualAction(_));
        let nobody_lives = || {
            self.nannies
                .watches
                .values()
                .all(|watch| watch.is_hopeless(now))
        };
        if is_too_often && self.site.hard_shutdown && nobody_lives() {
            return AfterDeath::GiveUp;
        }
        after
    }

    /// With `hard_shutdown` a server without a working nanny goes out until a nanny finds it good.
    fn follow_death(
        &mut self,
        now: Mono,
        key: &MonitorKey,
        child: Child,
        after: AfterDeath,
        out: &mut Vec<Action>,
    ) {
        // Many may end at once: all are handled together.
        self.nannies.due = now;
        match after {
            AfterDeath::GiveUp => self.stop(now, 1, out),
            AfterDeath::ManualAction(_) if self.site.hard_shutdown => {
                self.abandon(key, child, out);
            }
            AfterDeath::ManualAction(_) | AfterDeath::Restart(_) => {}
        }
    }

    fn abandon(&mut self, key: &MonitorKey, child: Child, out: &mut Vec<Action>) {
        let quiesces = |monitor: &Monitor| monitor.options.quiesce;
        let place = match self.index.monitor(&self.site, key).is_some_and(quiesces) {
            true => Place::In(Weight::ZERO),
            false => Place::Out,
        };
        let is_new = |watch: &mut Supervised| watch.abandon(place);
        if !self.nannies.watches.get_mut(key).is_some_and(is_new) {
            return;
        }
        out.push(Action::Notice(Notice::ServerUnwatched(child)));
        let unsettled = self.unsettled.entry(key.service).or_default();
        unsettled.extend(self.index.destination(key));
    }

    /// Tells the nanny of a monitor to end. Only [`Lvsd::kill_stuck`] waits for it.
    pub(super) fn end_nanny(&mut self, now: Mono, nanny: NannyId, out: &mut Vec<Action>) {
        self.nannies.by_id.remove(&nanny);
        let patience = Patience::even(super::stop::GRACE);
        let ending = Ending::asked(now, patience);
        self.nannies.ending.insert(nanny, ending);
        if !self.timers.is_set(Timer::Kill) {
            self.timers.set_or_stop(Timer::Kill, ending.deadline());
        }
        out.push(Action::Terminate(nanny));
    }

    /// Kills the nannies that were told to end long ago.
    pub(super) fn kill_stuck(&mut self, now: Mono, out: &mut Vec<Action>) {
        let (mut killed, mut kept) = (0, 0);
        for (nanny, ending) in &mut self.nannies.ending {
            let was_stuck = ending.is_stuck();
            let Some(step) = ending.due(now) else {
                continue;
            };
            out.push(Action::Kill(*nanny));
            match step {
                EndStep::Stuck if was_stuck => {}
                EndStep::Stuck => kept += 1,
                EndStep::Ask | EndStep::Kill => killed += 1,
            }
        }
        let notices = [
            (killed, Notice::MonitorStuck(killed)),
            (kept, Notice::MonitorKept(kept)),
        ];
        let said = notices.into_iter().filter(|(count, _)| *count > 0);
        out.extend(said.map(|(_, notice)| Action::Notice(notice)));
        let next = self
            .nannies
            .ending
            .values()
            .filter_map(Ending::deadline)
            .min();
        self.timers.set_or_stop(Timer::Kill, next);
    }
}

/// Every monitor, in file order.
pub fn monitors(site: &Site) -> impl Iterator<Item = &Monitor> {
    let destinations = site.services.iter().flat_map(|s| &s.destinations);
    destinations.flat_map(|d| &d.monitors)
}

/// A nanny that hangs is killed; its end is a death like any other.
fn kill_silent(now: Mono, monitor: &Monitor, watch: &mut Supervised, out: &mut Vec<Action>) {
    let (Some(nanny), Some(silence)) = (
        watch.nanny(),
        watch.silence(now, monitor.options.check.timeout),
    ) else {
        return;
    };
    watch.life = Life::Killed(nanny);
    let child = Child {
        name: monitor.block.clone(),
        server: monitor.server.clone(),
    };
    out.push(Action::Notice(Notice::MonitorSilent(child, silence)));
    out.push(Action::Kill(nanny));
}
