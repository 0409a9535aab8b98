//! What is different with `service = fos`. Either side runs a fos, the partner's service can fail while the
//! partner lives, and the addresses come before the services that bind to them.
//!
//! On the standby `fos --monitor` watches the partner's services. When it ends of its own accord one of
//! them is lost, or we are cut off: the gateway tells which. If a service is lost, we tell the partner to
//! go inactive (STOPME), and take the addresses when it has.

use std::time::Duration;

use crate::datagram::{Service, Value};
use lvs_model::Mono;

use super::Node;
use super::stage::{Control, Network, Stage};
use super::timer::Timer;
use crate::model::{Action, Gateway};
use crate::notice::Notice;
use crate::pair::PairPath;
use crate::transitions::{Event, Phase};
use crate::view::Reason;

/// Time for our claim to arrive, and for one of the partner's. No service is loaded meanwhile that would
/// give this time.
const CLAIM_FLIES: Duration = Duration::from_millis(200);
/// How long we wait for the partner to end its services before we take over all the same.
const CONTROL_WITHIN: Duration = Duration::from_secs(90);
/// Time that fos has for its stop commands; the addresses stay until then.
const ENDS_WITHIN: Duration = Duration::from_secs(75);
/// Pauses between two starts of the monitors grow up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Node {
    pub(super) fn is_fos(&self) -> bool {
        self.settings.service == Service::Fos
    }

    /// Begins with the monitors, or at once as the active one where there is no partner.
    pub(super) fn start_fos(&mut self, now: Mono, out: &mut Vec<Action>) {
        if !self.settings.has_partner {
            out.push(Action::Notice(Notice::NoFosBackup));
        }
        let is_forced = self.settings.force_active && !self.orders.is_barred();
        let is_alone = !self.settings.has_partner && !self.orders.kept.standby;
        if is_forced || is_alone {
            self.history.reason = if is_alone {
                Reason::NoPartner
            } else {
                Reason::Forced
            };
            self.take_over(now, Notice::ForcedActive(Service::Fos), out);
        } else {
            self.start_service(now, out);
            self.send_now(now, out);
        }
    }

    /// The monitors end, the addresses come up, fos starts the services. If the partner still has the
    /// services, we wait for it.
    pub(super) fn take_over_fos(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.service.cancel_pause();
        if self.service.has_process() {
            self.stop_fos(now, out);
        }
        let wait = if self.stage.wants_control() {
            CONTROL_WITHIN
        } else if self.settings.has_partner {
            CLAIM_FLIES.min(self.settings.keepalive)
        } else {
            Duration::ZERO
        };
        self.timers.set(Timer::Control, now + wait);
        self.send_now(now, out);
    }

    /// The addresses are up: the services may bind to them. The end of a fos that is still ending starts
    /// the next one.
    pub(super) fn raised_fos(&mut self, now: Mono, out: &mut Vec<Action>) {
        if !self.service.has_process() {
            self.start_service(now, out);
        }
    }

    /// Back on standby: the partner's services are watched.
    pub(super) fn rest_fos(&mut self, now: Mono, out: &mut Vec<Action>) {
        if !self.service.has_process() {
            self.start_service(now, out);
        }
    }

    pub(super) fn stop_fos(&mut self, now: Mono, out: &mut Vec<Action>) -> Mono {
        out.push(Action::StopService);
        self.service.stopping_within(now, ENDS_WITHIN);
        now + ENDS_WITHIN + Duration::from_secs(1)
    }

    /// fos ended without a message: it was asked to, or it crashed.
    pub(super) fn fos_ended(&mut self, now: Mono, out: &mut Vec<Action>) {
        let asked = self.service.ended(now);
        match self.phase() {
            Phase::Releasing => self.release(now, out),
            Phase::Active if asked => self.start_service(now, out),
            Phase::Active if self.service.is_unfit() => {
                self.event(now, Event::ServiceUnfit, out);
            }
            Phase::Active => self.event(now, Event::ServiceEnded, out),
            Phase::Standby => self.retry_monitors(now, out),
            _ => {}
        }
    }

    fn retry_monitors(&mut self, now: Mono, out: &mut Vec<Action>) {
        let milliseconds = self.service.put_off(now, LONGEST_PAUSE).as_millis();
        out.push(Action::Notice(Notice::MonitorsRetried { milliseconds }));
    }

    /// fos ended with status 0 and nobody had asked for it: that is its message.
    pub(super) fn fos_surrendered(&mut self, now: Mono, out: &mut Vec<Action>) {
        match self.phase() {
            Phase::Standby if self.is_fos() => {
                self.service.ended(now);
                self.service.forgive();
                out.push(Action::Notice(Notice::FosExitedChecking));
                out.push(Action::TestGateway);
                self.doubt_network(Network::Tested);
            }
            Phase::Active if self.is_fos() && !self.service.is_asked_to_end() => {
                self.service.ended(now);
                self.event(now, Event::ServiceUnfit, out);
            }
            _ => self.service_ended(now, out),
        }
    }

    fn network(&self) -> Network {
        match &self.stage {
            Stage::Standby(standby) => standby.network,
            _ => Network::Trusted,
        }
    }

    fn doubt_network(&mut self, network: Network) {
        if let Stage::Standby(standby) = &mut self.stage {
            standby.network = network;
        }
    }

    /// What the gateway says of the network.
    pub(super) fn gateway(&mut self, now: Mono, found: Gateway, out: &mut Vec<Action>) {
        if self.network() != Network::Tested {
            return;
        }
        match found {
            Gateway::Seen => self.take_lost_service(now, out),
            Gateway::Silent => {
                out.push(Action::Notice(Notice::GatewayLost));
                out.push(Action::Notice(Notice::NetworkFault));
                self.doubt_network(Network::Lost);
            }
            Gateway::Unknown => {
                out.push(Action::Notice(Notice::GatewayUnknown));
                self.doubt_network(Network::Trusted);
                self.retry_monitors(now, out);
            }
        }
    }

    fn take_lost_service(&mut self, now: Mono, out: &mut Vec<Action>) {
        self.doubt_network(Network::Trusted);
        out.push(Action::Notice(Notice::GatewaySeen));
        out.push(Action::Notice(Notice::ServiceFailover));
        self.event(now, Event::PartnerServiceLost, out);
        if self.phase() == Phase::Standby {
            // Not fit to take over: watch on.
            self.retry_monitors(now, out);
        }
    }

    /// What a heartbeat means before the table is asked.
    pub(super) fn hear_fos(
        &mut self,
        now: Mono,
        value: Value,
        path: PairPath,
        out: &mut Vec<Action>,
    ) {
        if path == PairPath::Public && self.network() == Network::Lost {
            self.doubt_network(Network::Trusted);
            out.push(Action::Notice(Notice::NetworkFaultOver));
            self.start_service(now, out);
        }
        // The table still has to know why we hear STOPPED while we are starting.
        if value == Value::Stopped && self.phase() != Phase::Starting {
            self.controlled();
        }
    }

    /// The partner has given up, is gone, or had its time.
    pub(super) fn controlled(&mut self) {
        self.timers.stop(Timer::Control);
        if let Some(control) = self.stage.control_mut() {
            *control = Control::Left;
        }
    }

    /// STOPME instead of RUNNING while we want control; said in the log once.
    pub(super) fn notify_partner(&mut self, out: &mut Vec<Action>) {
        if let Some(control @ Control::Wanted) = self.stage.control_mut() {
            *control = Control::Told;
            out.push(Action::Notice(Notice::NotifyingPartner));
        }
    }
}
