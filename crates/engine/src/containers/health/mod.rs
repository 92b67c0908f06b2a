//! Health checks: a program that runs in the container from time to time and tells whether it is well.
//!
//! The rules are Docker's (`HEALTHCHECK` in the Dockerfile reference): a success makes a container
//! healthy, so many failures in a row unhealthy; failures within the start period do not count.

mod check;
mod probe;

use std::sync::{Arc, Weak};

use terrarium_api::{Health, HealthProbe, HealthStatus};
use tokio::{sync::watch, time::Instant};

use self::check::Check;
use super::container::{Container, Life};
use crate::{Engine, engine::Inner};

pub(super) use check::{settings, validate};

/// Docker keeps so many.
const PROBES_KEPT: usize = 5;

/// Checks one run of a container until it ends. Weak, as whatever follows a run.
struct Monitor {
    engine: Weak<Inner>,
    container: Weak<Container>,
    check: Check,
    life: watch::Receiver<Life>,
    /// Ends that had happened before this run.
    ends: u64,
}

impl Engine {
    /// Begins to check a container that has just started, or was found running.
    pub(super) fn watch_health(&self, container: &Arc<Container>) {
        let life = container.life().subscribe();
        let ends = life.borrow().ends;
        let check = {
            let mut state = container.state();
            let check = Check::of(&state.record);
            state.health = check.as_ref().map(|_| Health::default());
            check
        };
        let Some(check) = check else { return };
        let monitor = Monitor {
            engine: Arc::downgrade(&self.inner),
            container: Arc::downgrade(container),
            check,
            life,
            ends,
        };
        tokio::spawn(monitor.follow());
    }
}

impl Monitor {
    async fn follow(mut self) {
        let ends = self.ends;
        let mut life = self.life.clone();
        let over = life.wait_for(|life| life.ends > ends || life.removed);
        tokio::select! {
            _ = over => {}
            () = self.check_for_ever() => {}
        }
    }

    /// Ends when the engine is closed.
    async fn check_for_ever(&mut self) {
        let began = Instant::now();
        loop {
            let in_start_period = began.elapsed() < self.check.start_period;
            tokio::time::sleep(self.pause(in_start_period)).await;
            let Some((engine, container)) = self.upgrade() else {
                return;
            };
            let paused = {
                let state = container.state();
                state.live.as_ref().is_some_and(|live| live.paused)
            };
            // A frozen program answers nothing, and is not ill for that.
            if paused {
                continue;
            }
            let probe = engine.probe(&container, &self.check).await;
            let in_start_period = began.elapsed() < self.check.start_period;
            engine.record_probe(&container, probe, in_start_period, self.check.retries);
        }
    }

    fn pause(&self, in_start_period: bool) -> std::time::Duration {
        let container = self.container.upgrade();
        let status =
            container.and_then(|container| Some(container.state().health.as_ref()?.status));
        if in_start_period && status == Some(HealthStatus::Starting) {
            self.check.start_interval
        } else {
            self.check.interval
        }
    }

    fn upgrade(&self) -> Option<(Engine, Arc<Container>)> {
        let inner = self.engine.upgrade()?;
        Some((Engine { inner }, self.container.upgrade()?))
    }
}

impl Engine {
    fn record_probe(
        &self,
        container: &Arc<Container>,
        probe: HealthProbe,
        in_start_period: bool,
        retries: u32,
    ) {
        let changed = {
            let mut state = container.state();
            let Some(health) = state.health.as_mut() else {
                return;
            };
            let before = health.status;
            judge(health, probe, in_start_period, retries);
            (health.status != before).then_some(health.status)
        };
        if let Some(status) = changed {
            let action = format!("health_status: {}", word(status));
            self.container_event(container, &action, &[]);
            self.container_changed(container);
        }
    }
}

/// Docker's word for a status.
fn word(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Starting => "starting",
        HealthStatus::Healthy => "healthy",
        HealthStatus::Unhealthy => "unhealthy",
    }
}

/// What a check changes.
fn judge(health: &mut Health, probe: HealthProbe, in_start_period: bool, retries: u32) {
    let counts = !(in_start_period && health.status == HealthStatus::Starting);
    if probe.exit_code == 0 {
        health.failing_streak = 0;
        health.status = HealthStatus::Healthy;
    } else if counts {
        health.failing_streak = health.failing_streak.saturating_add(1);
        if health.failing_streak >= retries {
            health.status = HealthStatus::Unhealthy;
        }
    }
    if health.probes.len() == PROBES_KEPT {
        health.probes.remove(0);
    }
    health.probes.push(probe);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(codes: &[i32], in_start_period: bool) -> Health {
        let mut health = Health::default();
        for code in codes {
            let probe = HealthProbe {
                started_at_ms: 0,
                ended_at_ms: 0,
                exit_code: *code,
                output: String::new(),
            };
            judge(&mut health, probe, in_start_period, 3);
        }
        health
    }

    #[test]
    fn one_success_is_enough_and_failures_have_to_come_in_a_row() {
        assert_eq!(after(&[1, 0], false).status, HealthStatus::Healthy);
        assert_eq!(after(&[1, 1], false).status, HealthStatus::Starting);
        assert_eq!(
            after(&[0, 1, 1, 0, 1, 1], false).status,
            HealthStatus::Healthy
        );
        let ill = after(&[0, 1, 1, -1], false);
        assert_eq!(
            (ill.status, ill.failing_streak),
            (HealthStatus::Unhealthy, 3)
        );
    }

    #[test]
    fn failures_while_it_starts_do_not_count() {
        let starting = after(&[1, 1, 1, 1], true);
        assert_eq!(
            (starting.status, starting.failing_streak),
            (HealthStatus::Starting, 0)
        );
        // Once it was well, they do.
        assert_eq!(after(&[0, 1, 1, 1], true).status, HealthStatus::Unhealthy);
    }

    #[test]
    fn only_the_last_checks_are_kept() {
        let health = after(&[1, 2, 3, 4, 5, 6, 7], false);
        let codes: Vec<i32> = health.probes.iter().map(|probe| probe.exit_code).collect();
        assert_eq!(codes, [3, 4, 5, 6, 7]);
    }
}
