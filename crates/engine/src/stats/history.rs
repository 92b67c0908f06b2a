//! 24 hours of one container in bounded memory: fine lately, coarse long ago. Pure.

use std::collections::VecDeque;

use terrarium_api::{Incident, IncidentKind, Sample};

/// How many samples of the tier before make one of this tier, and how many are kept.
const TIERS: [(usize, usize); 3] = [
    (1, 600),   // 10 minutes by the second
    (10, 720),  // 2 hours by 10 seconds
    (6, 1_440), // 24 hours by the minute
];
/// Incidents kept.
const INCIDENTS: usize = 200;
/// Two throttled seconds that are closer than this are one incident.
const JOINED_WITHIN_MS: u64 = 5_000;

/// The samples of one container.
#[derive(Debug, Default)]
pub(super) struct History {
    tiers: [Tier; TIERS.len()],
    incidents: VecDeque<Incident>,
    oom_kills: Option<u32>,
}

#[derive(Debug, Default)]
struct Tier {
    samples: VecDeque<Sample>,
    /// Gathered until they make one sample.
    pending: Vec<Sample>,
}

impl History {
    /// Adds the sample of a second.
    ///
    /// Gives back the sample of a minute when one is full.
    pub(super) fn push(&mut self, sample: Sample) -> Option<Sample> {
        self.note_incidents(&sample);
        let mut tiers = self.tiers.iter_mut().zip(TIERS);
        tiers.try_fold(sample, |next, (tier, (merged, kept))| {
            tier.push(next, merged, kept)
        })
    }

    /// Puts back what an earlier host kept by the minute.
    pub(super) fn restore(&mut self, minutes: Vec<Sample>) {
        let last = &mut self.tiers[TIERS.len() - 1].samples;
        let first_ms = last.front().map_or(u64::MAX, |first| first.at_ms);
        let older = minutes.into_iter().filter(|sample| sample.at_ms < first_ms);
        let older: Vec<Sample> = older.collect();
        older
            .into_iter()
            .rev()
            .for_each(|sample| last.push_front(sample));
        last.truncate(TIERS[TIERS.len() - 1].1);
    }

    /// The samples since `from_ms`, oldest first, merged down to about `points`.
    pub(super) fn since(&self, from_ms: u64, points: usize) -> Vec<Sample> {
        let reaches = |tier: &&Tier| {
            tier.samples
                .front()
                .is_some_and(|first| first.at_ms <= from_ms)
        };
        // The finest tier that reaches back far enough, else the one that reaches furthest.
        let oldest = |tier: &&Tier| tier.samples.front().map_or(u64::MAX, |first| first.at_ms);
        let tier = self
            .tiers
            .iter()
            .find(reaches)
            .or_else(|| self.tiers.iter().min_by_key(oldest));
        let Some(tier) = tier else { return Vec::new() };
        let wanted: Vec<Sample> = tier
            .samples
            .iter()
            .filter(|sample| sample.at_ms >= from_ms)
            .copied()
            .collect();
        let merged = wanted.len().div_ceil(points.max(1)).max(1);
        wanted.chunks(merged).map(merge).collect()
    }

    /// The incidents that touch the time since `from_ms`, newest first.
    pub(super) fn incidents_since(&self, from_ms: u64) -> Vec<Incident> {
        let touches = |incident: &&Incident| incident.at_ms + incident.duration_ms >= from_ms;
        self.incidents
            .iter()
            .rev()
            .filter(touches)
            .cloned()
            .collect()
    }

    fn note_incidents(&mut self, sample: &Sample) {
        if sample.throttled_percent > 0.0 {
            self.note_throttled(sample.at_ms);
        }
        let before = self.oom_kills.replace(sample.oom_kills);
        if before.is_some_and(|before| sample.oom_kills > before) {
            self.add_incident(Incident {
                at_ms: sample.at_ms,
                duration_ms: 0,
                kind: IncidentKind::OomKill,
            });
        }
    }

    fn note_throttled(&mut self, at_ms: u64) {
        let open = self
            .incidents
            .iter_mut()
            .rev()
            .find(|incident| incident.kind == IncidentKind::Throttled);
        match open {
            Some(last) if at_ms <= last.at_ms + last.duration_ms + JOINED_WITHIN_MS => {
                last.duration_ms = at_ms - last.at_ms;
            }
            _ => self.add_incident(Incident {
                at_ms,
                duration_ms: 0,
                kind: IncidentKind::Throttled,
            }),
        }
    }

    fn add_incident(&mut self, incident: Incident) {
        if self.incidents.len() == INCIDENTS {
            self.incidents.pop_front();
        }
        self.incidents.push_back(incident);
    }
}

impl Tier {
    /// Adds a sample of the tier before; gives back what this tier hands on.
    fn push(&mut self, sample: Sample, merged: usize, kept: usize) -> Option<Sample> {
        self.pending.push(sample);
        if self.pending.len() < merged {
            return None;
        }
        let whole = merge(&self.pending);
        self.pending.clear();
        if self.samples.len() == kept {
            self.samples.pop_front();
        }
        self.samples.push_back(whole);
        Some(whole)
    }
}

/// One sample for many: rates are averaged, memory and processes keep their highest value.
fn merge(samples: &[Sample]) -> Sample {
    let mean =
        |value: fn(&Sample) -> f32| samples.iter().map(value).sum::<f32>() / samples.len() as f32;
    let last = samples[samples.len() - 1];
    let highest = samples
        .iter()
        .max_by_key(|sample| sample.memory_bytes)
        .copied()
        .unwrap_or(last);
    Sample {
        cpu_percent: mean(|sample| sample.cpu_percent),
        throttled_percent: mean(|sample| sample.throttled_percent),
        memory_bytes: highest.memory_bytes,
        cache_bytes: highest.cache_bytes,
        block_read_bytes_per_s: mean(|sample| sample.block_read_bytes_per_s),
        block_write_bytes_per_s: mean(|sample| sample.block_write_bytes_per_s),
        net_in_bytes_per_s: mean(|sample| sample.net_in_bytes_per_s),
        net_out_bytes_per_s: mean(|sample| sample.net_out_bytes_per_s),
        pids: samples
            .iter()
            .map(|sample| sample.pids)
            .max()
            .unwrap_or(last.pids),
        ..last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::rate;

    fn second(number: u64) -> Sample {
        let counters = terrarium_api::Counters {
            at_ns: number * 1_000_000_000,
            ..Default::default()
        };
        Sample {
            memory_bytes: number,
            ..rate::sample(&counters, &counters, u64::MAX)
        }
    }

    fn day() -> History {
        let mut history = History::default();
        (1..=24 * 3600).for_each(|number| {
            history.push(second(number));
        });
        history
    }

    #[test]
    fn a_short_range_comes_from_the_finest_tier() {
        let samples = day().since((24 * 3600 - 60) * 1_000, 500);
        assert_eq!(samples.len(), 61);
        assert_eq!(samples[60].memory_bytes, 24 * 3600);
    }

    #[test]
    fn a_long_range_is_thinned_out_and_keeps_peaks() {
        let history = day();
        let samples = history.since(0, 500);
        assert!((400..=500).contains(&samples.len()), "{}", samples.len());
        assert_eq!(samples.last().unwrap().memory_bytes, 24 * 3600);
    }

    #[test]
    fn memory_of_a_history_is_bounded() {
        let history = day();
        let kept: usize = history.tiers.iter().map(|tier| tier.samples.len()).sum();
        assert_eq!(kept, 600 + 720 + 1_440);
    }

    #[test]
    fn minutes_of_an_earlier_host_stand_before_those_of_this_one() {
        let mut history = History::default();
        (121..=240).for_each(|number| {
            history.push(second(number));
        });
        history.restore(vec![second(60), second(120), second(180)]);
        let samples = history.since(0, 500);
        let times: Vec<u64> = samples.iter().map(|sample| sample.at_ms / 1_000).collect();
        assert_eq!(times, [60, 120, 180, 240]);
    }

    #[test]
    fn throttled_seconds_in_a_row_are_one_incident() {
        let mut history = History::default();
        for number in [1, 2, 3, 60] {
            history.push(Sample {
                throttled_percent: 10.0,
                ..second(number)
            });
        }
        let lengths: Vec<u64> = history
            .incidents_since(0)
            .iter()
            .map(|incident| incident.duration_ms)
            .collect();
        assert_eq!(lengths, [0, 2_000]);
    }

    #[test]
    fn a_kill_for_memory_is_an_incident_once() {
        let mut history = History::default();
        for (number, kills) in [(1, 0), (2, 1), (3, 1)] {
            history.push(Sample {
                oom_kills: kills,
                ..second(number)
            });
        }
        assert_eq!(history.incidents_since(0).len(), 1);
    }
}
