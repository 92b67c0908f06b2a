//! From two readings to the rates between them. Pure.

use terrarium_api::{Counters, Sample};

/// The use between two readings of one container.
pub(super) fn sample(before: &Counters, now: &Counters, host_memory_bytes: u64) -> Sample {
    let seconds = now.at_ns.saturating_sub(before.at_ns) as f64 / 1e9;
    let per_second = |before: u64, now: u64| {
        // A counter that went back was reset, with the container.
        if seconds > 0.0 {
            (now.saturating_sub(before) as f64 / seconds) as f32
        } else {
            0.0
        }
    };
    let periods = now.periods.saturating_sub(before.periods);
    let throttled = now
        .throttled_periods
        .saturating_sub(before.throttled_periods);
    let (in_before, out_before) = traffic(before);
    let (in_now, out_now) = traffic(now);
    Sample {
        at_ms: now.at_ns / 1_000_000,
        cpu_percent: per_second(before.cpu_usec, now.cpu_usec) / 10_000.0,
        throttled_percent: if periods > 0 {
            throttled as f32 / periods as f32 * 100.0
        } else {
            0.0
        },
        memory_bytes: now.memory_bytes.saturating_sub(now.inactive_file_bytes),
        cache_bytes: now.cache_bytes,
        memory_limit_bytes: Some(now.memory_limit_bytes).filter(|limit| *limit < host_memory_bytes),
        block_read_bytes_per_s: per_second(before.block_read_bytes, now.block_read_bytes),
        block_write_bytes_per_s: per_second(before.block_write_bytes, now.block_write_bytes),
        net_in_bytes_per_s: per_second(in_before, in_now),
        net_out_bytes_per_s: per_second(out_before, out_now),
        pids: u32::try_from(now.pids).unwrap_or(u32::MAX),
        pids_limit: now.pids_limit.and_then(|limit| u32::try_from(limit).ok()),
        oom_kills: u32::try_from(now.oom_kills).unwrap_or(u32::MAX),
    }
}

fn traffic(counters: &Counters) -> (u64, u64) {
    let interfaces = counters.interfaces.iter();
    interfaces.fold((0, 0), |(rx, tx), interface| {
        (rx + interface.rx_bytes, tx + interface.tx_bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second_and_cpu_is_percent_of_one_core() {
        let before = Counters {
            at_ns: 0,
            ..Counters::default()
        };
        let now = Counters {
            at_ns: 2_000_000_000,
            cpu_usec: 3_000_000,
            block_read_bytes: 4_096,
            periods: 20,
            throttled_periods: 5,
            ..Counters::default()
        };
        let sample = sample(&before, &now, u64::MAX);
        assert_eq!(sample.cpu_percent, 150.0);
        assert_eq!(sample.block_read_bytes_per_s, 2_048.0);
        assert_eq!(sample.throttled_percent, 25.0);
    }

    #[test]
    fn a_counter_that_went_back_is_no_use() {
        let before = Counters {
            at_ns: 0,
            cpu_usec: 10,
            ..Counters::default()
        };
        let now = Counters {
            at_ns: 1_000_000_000,
            cpu_usec: 0,
            ..Counters::default()
        };
        assert_eq!(sample(&before, &now, 0).cpu_percent, 0.0);
    }
}
