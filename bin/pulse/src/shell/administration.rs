//! What an administrator asks for: lvs.cf read again, lvs.cf to the partner, orders, the status.

use std::io;
use std::path::Path;

use config_file::{ConfigFile, Outcome, Program};
use control::{PulseReport, Request};
use daemon::{Instance, notify};
use heartbeat::{Begun, Form, Input, OrderRefused, Orders};
use lvs_model::ChildExit;

use super::Shell;
use crate::auth;
use crate::changes;
use crate::control_socket::{Taken, for_machine};
use crate::copy;
use crate::places;
use crate::report::{self, FileState, Parts};
use crate::setup::{self, HeartbeatPath, Setup};
use crate::signing;

impl Shell {
    /// The file as it is now goes to the partner, if lvs.cf allows that.
    pub(super) fn copy_config(&mut self) {
        if !self.setup.config.copy_config {
            return;
        }
        let file = &self.options.config_file;
        log::info!("copying {} to the partner", file.display());
        self.commands.run(&copy::own_words(file), Path::new(""));
    }

    pub(super) fn reload(&mut self) {
        let outcome = self.follower.reload(self.clock.now());
        self.take_outcome(outcome);
    }

    /// lvs.cf is read, or its names are still being looked up: then heartbeats go on.
    pub(super) fn take_outcome(&mut self, outcome: Option<Outcome>) {
        match outcome {
            None => {}
            Some(Outcome::Resolved(file)) => {
                self.is_about_names = true;
                let changes = changes::between(&self.setup.config, &file.loaded.config);
                match self.take_file(&file) {
                    Ok(()) => {
                        say(&changes);
                        let failure = std::mem::take(&mut self.file.failure);
                        self.file = FileState {
                            failure,
                            ..FileState::of(&file)
                        };
                    }
                    Err(reasons) => reasons.iter().for_each(|line| log::error!("{line}")),
                }
                self.is_about_names = false;
            }
            Some(Outcome::Read(Ok(file))) => {
                file.log();
                let changes = changes::between(&self.setup.config, &file.loaded.config);
                let taken = self.take_file(&file).map(|()| {
                    say(&changes);
                    let troubles = self.addresses.trouble_lines();
                    (FileState::of(&file), Taken::of(&file, troubles))
                });
                self.reloaded(taken);
            }
            Some(Outcome::Read(Err(fault))) => self.reloaded(Err(fault.lines(Program::Pulse))),
        }
    }

    /// Says what came of it: in the log, in the status, to who ordered it.
    fn reloaded(&mut self, result: Result<(FileState, Taken), Vec<String>>) {
        let now = self.clock.now();
        match result {
            Ok((file, taken)) => {
                self.control.reloaded(now, &Ok(taken));
                self.file = file;
            }
            Err(lines) => {
                for line in &lines {
                    log::error!("{line}");
                }
                self.control.reloaded(now, &Err(lines.clone()));
                self.file.failure = lines;
            }
        }
    }

    /// Why it is not in force otherwise: then nothing has changed.
    fn take_file(&mut self, file: &ConfigFile) -> Result<(), Vec<String>> {
        let config = file.loaded.config.clone();
        let setup = setup::own_addresses().and_then(|mut own| {
            // One that is gone for a moment, or the partner's, makes no other director of this one.
            own.retain(|it| !self.setup.settings.partner.contains(it));
            own.extend(self.setup.own());
            Setup::new(config, &self.options, &own)
        });
        let mut setup = setup.map_err(|error| vec![format!("{error}; nothing is changed")])?;
        if let Some(what) = changes::for_a_restart(&self.setup, &setup) {
            let mut lines = vec![format!("{what} changed: restart pulse for that")];
            lines.extend(changes::refused(&self.setup.config, &setup.config));
            return Err(lines);
        }
        if let Some(why) = self.loses_partner(&setup) {
            return Err(vec![format!("{why}; nothing is changed")]);
        }
        if self.node.is_holding() && !self.is_about_names {
            // What serves is kept: a typing error takes nothing down.
            let brought = self.addresses.brought(&self.setup, &setup);
            if !brought.is_empty() {
                return Err(places::refused(&setup.config, &brought));
            }
        }
        setup.settings.content = file.loaded.hash.number();
        setup.say_remarks();
        places::say_unannounced(&setup.config);
        self.setup = setup;
        self.follower.accept(file, self.clock.now());
        self.service.take_file(file);
        auth::change(self.sockets.auth_mut(), &self.setup);
        self.sockets.listen_to(&self.setup.paths);
        let settings = Box::new(self.setup.settings.clone());
        self.addresses.want(&self.setup.addresses);
        self.give(Input::Reload(settings));
        self.check_serving();
        self.check_links();
        self.commands
            .configure_sync(self.clock.now(), &self.setup.config);
        self.leave_to_hook();
        Ok(())
    }

    /// If pulse is killed while it has addresses that hooks move, `inactive_cmd` takes them away before the partner has
    /// them.
    pub(super) fn leave_to_hook(&mut self) {
        let is_left = self.node.leaves_to_inactive_cmd();
        let hook = self.setup.config.inactive_cmd.as_ref();
        self.commands.leave(hook.filter(|_| is_left));
    }

    /// Why heartbeats are not to be signed otherwise now, beside a partner that lives.
    fn loses_partner(&mut self, next: &Setup) -> Option<String> {
        let partner = self.node.view(self.clock.now()).partner;
        let partner = partner.filter(|partner| partner.alive)?;
        let signs = matches!(partner.form, Some(Form::Signed(_)));
        let of = |setup: &Setup| setup.config.heartbeat.authentication;
        let step = signing::refusal(of(&self.setup), of(next), signs);
        step.or_else(|| auth::refusal(self.sockets.auth_mut(), next))
    }

    /// Does what is asked on the control socket.
    pub(super) fn listen_to_control(&mut self) {
        for (client, request) in self.control.hear(self.clock.now()) {
            match request {
                Request::Status => {
                    let text = self.report().encode();
                    self.control.tell(self.clock.now(), client, text);
                }
                Request::Order { order } => match for_machine(order) {
                    Some(for_machine) => {
                        self.unkept = None;
                        self.control.begin(self.clock.now(), client, order);
                        self.give(Input::Order(for_machine));
                    }
                    None => {
                        log::info!("order: {order}");
                        self.control.await_reload(self.clock.now(), client);
                        self.reload();
                    }
                },
            }
        }
    }

    /// What is to be kept has been handed in before: an order that cannot be kept is not answered as done.
    pub(super) fn answer_order(&mut self, answer: Result<Begun, OrderRefused>) {
        let now = self.clock.now();
        let unkept = self.unkept.take();
        self.control.answered(now, answer);
        if let Some(error) = unkept {
            self.control.kept(now, &Err(error));
        }
    }

    pub(super) fn keep_orders(&mut self, orders: Orders) {
        if let Err(error) = self.orders.keep(orders) {
            self.unkept = Some(error.to_string());
            self.orders_kept(Err(error));
        }
    }

    /// Whether `pid` kept orders for the next start.
    pub(super) fn orders_ended(&mut self, pid: i32, exit: ChildExit) -> bool {
        let Some(result) = self.orders.ended(pid, exit) else {
            return false;
        };
        self.orders_kept(result);
        true
    }

    fn orders_kept(&mut self, result: io::Result<()>) {
        let fault = result.as_ref().err();
        let fault = fault.map(|error| format!("orders are not kept for the next start: {error}"));
        if let Some(line) = &fault {
            log::error!("{line}");
        }
        self.orders_fault = fault;
        if !self.orders.is_busy() {
            let result = result.map_err(|error| error.to_string());
            self.control.kept(self.clock.now(), &result);
        }
    }

    /// What is not as it should be until somebody mends it, though it was logged once.
    fn impaired(&self) -> Vec<String> {
        let instance = self.instance.iter();
        let lines = instance.flat_map(Instance::faults).cloned();
        let lines = lines.chain(self.term_file.fault().map(ToOwned::to_owned));
        let lines = lines.chain(self.orders_fault.clone());
        let lines = lines.chain(self.addresses.guardian_fault().map(ToOwned::to_owned));
        let lines = lines.chain(self.addresses.held_file_fault().map(ToOwned::to_owned));
        let lines = lines.chain(self.service.file_fault().map(ToOwned::to_owned));
        lines.chain(self.commands.faults()).collect()
    }

    fn send_failures(&self) -> Vec<(HeartbeatPath, String)> {
        let faults = self.sockets.faults();
        faults.map(|(path, why)| (path, why.to_owned())).collect()
    }

    fn report(&mut self) -> PulseReport {
        let now = self.clock.now();
        let view = self.node.view(now);
        let node = &self.node;
        let addresses = self
            .addresses
            .status(now, |address| node.is_unused(address));
        report::report(Parts {
            now,
            view,
            own_are_there: self.addresses.own_are_there(),
            setup: &self.setup,
            file: &self.file,
            tally: &self.tally,
            child: self.service.pid(),
            child_failure: self.service.last_failure(),
            sync: self.commands.sync_status(),
            addresses,
            send_failures: self.send_failures(),
            impaired: self.impaired(),
            last_order: self.control.last_order(now),
        })
    }

    /// Tells the service manager where we are, when that has changed.
    pub(super) fn tell_manager(&mut self) {
        let summary = report::summary(&self.node.view(self.clock.now()));
        if summary != self.told_manager {
            notify::status(&summary);
            self.told_manager = summary;
        }
    }
}

/// What is new since the last reading.
fn say(changes: &[String]) {
    for change in changes {
        log::info!("{change}");
    }
}
