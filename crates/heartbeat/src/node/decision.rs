//! The table is asked, and what its verdict means is begun.

use crate::datagram::Service;
use lvs_model::Mono;

use super::Node;
use crate::model::Action;
use crate::notice::Notice;
use crate::pair::ConfiguredRole;
use crate::supervise::LONGEST_PAUSE;
use crate::transitions::{Event, Facts, Phase, Verdict, decide};
use crate::view::Reason;

impl Node {
    pub(super) fn facts(&self, now: Mono) -> Facts {
        Facts {
            primary: self.settings.role == ConfiguredRole::Primary,
            fos: self.settings.service == Service::Fos,
            fit: self.is_fit(now),
            better: self.is_better(now),
            able: self.is_able(now),
            willing: self.is_willing(now),
            prompt: false,
            outranked: self.is_outranked(now),
            partner_capable: self.is_partner_capable(now),
            partner_takes: self.is_partner_free(now)
                && self.is_partner_fit()
                && !self.orders.kept.frozen,
            partner_better: self.is_partner_better(now),
            partner_ready: self.can_hand_over() && self.is_partner_ready(now),
            wants_control: self.stage.wants_control(),
            leaving: self.stage.is_leaving(),
            warm: self.is_warm(),
            partner_serves: self.relief_due().is_some_and(|at| now < at),
        }
    }

    pub(super) fn event(&mut self, now: Mono, event: Event, out: &mut Vec<Action>) {
        let verdict = decide(self.phase(), event, self.facts(now));
        self.carry_out(now, event, verdict, out);
    }

    pub(super) fn carry_out(
        &mut self,
        now: Mono,
        event: Event,
        verdict: Verdict,
        out: &mut Vec<Action>,
    ) {
        self.history.reason = Reason::Event(event);
        match verdict {
            Verdict::Stay | Verdict::TakeOverLater => {}
            Verdict::TakeOver => {
                let notice = self.takeover_notice(event);
                self.take_over(now, notice, out);
            }
            Verdict::Raise => self.become_active(now, event, out),
            Verdict::Insist => out.push(Action::Notice(Notice::WantingControl)),
            Verdict::Reassert => self.reassert(now, event, out),
            Verdict::Yield => {
                // The extra heartbeat tells the primary of the conflict: it announces again.
                self.send_now(now, out);
                let notice = Notice::Yielding(self.settings.service);
                out.push(Action::Notice(notice));
                self.give_up(now, event, out);
            }
            Verdict::GiveUp => {
                self.give_up_because(now, event, out);
                self.give_up(now, event, out);
            }
            Verdict::GiveUpAtOnce => {
                let notice = match event {
                    Event::Taken if self.stage.is_leaving() => {
                        Some(Notice::HandedOver { taken: true })
                    }
                    Event::Taken => Some(Notice::FailoverDone),
                    Event::CutOff => Some(Notice::CutOffDeactivating),
                    _ => None,
                };
                out.extend(notice.map(Action::Notice));
                if self.is_holding() {
                    out.push(Action::DropAddresses);
                }
                self.let_go_of_all(now, event, false, out);
            }
            Verdict::RestartService => {
                out.push(Action::Notice(match self.phase() {
                    _ if self.is_fos() => Notice::FosRestarted,
                    Phase::Standby => Notice::WarmServiceRestarted,
                    _ => Notice::ServiceRestarted {
                        holding: self.is_holding(),
                    },
                }));
                self.start_service(now, out);
            }
            Verdict::RestartServiceLater => {
                let milliseconds = self.service.put_off(now, LONGEST_PAUSE).as_millis();
                let notice = Action::Notice(match self.phase() {
                    Phase::Standby => Notice::WarmServiceRetried { milliseconds },
                    _ => Notice::ServiceRetried { milliseconds },
                });
                out.extend(self.service.is_news(now).then_some(notice));
            }
            Verdict::HandOver => self.hand_over(now, event, out),
            Verdict::Resume => self.resume(now, out),
            Verdict::Leave => {
                if self.phase() == Phase::HandingOver {
                    let notice = Notice::HandedOver { taken: false };
                    out.push(Action::Notice(notice));
                }
                self.give_up(now, event, out);
            }
            Verdict::Rest => self.rest(now, out),
            Verdict::End => self.end(now, event, out),
        }
    }
}
