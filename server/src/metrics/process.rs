//! What the machine says of this process, where it is Linux.

use std::fs;

/// What is known of the process. Each may be absent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) resident_bytes: Option<u64>,
    pub(super) open_descriptors: Option<u64>,
    pub(super) max_descriptors: Option<u64>,
    /// In ticks of the kernel, each of [`TICK_MS`].
    pub(super) cpu_ticks: Option<u64>,
}

/// What Linux counts in, towards programs, on every machine that it runs on today.
pub(super) const TICK_MS: u64 = 10;

impl Process {
    /// Reads some small files that are no files.
    pub(super) fn read() -> Self {
        let text_of = |name| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        Self {
            resident_bytes: resident_bytes(&text_of("status")),
            // One of them is the listing's own.
            open_descriptors: fs::read_dir("/proc/self/fd")
                .ok()
                .and_then(|entries| u64::try_from(entries.count().saturating_sub(1)).ok()),
            max_descriptors: max_descriptors(&text_of("limits")),
            cpu_ticks: cpu_ticks(&text_of("stat")),
        }
    }
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The soft limit, which is what holds. None where there is no limit.
fn max_descriptors(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and system together: the 14th and 15th field, counted from behind the name, which may have
/// anything in it.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse().ok()?);
    user.checked_add(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_where_linux_writes_them() {
        let status = "Name:\tx\nVmHWM:\t  9 kB\nVmRSS:\t    1500 kB\nThreads:\t3\n";
        assert_eq!(resident_bytes(status), Some(1_536_000));
        let limits = "Limit  Soft Limit  Hard Limit  Units\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(max_descriptors(limits), Some(1024));
        assert_eq!(max_descriptors("Max open files  unlimited  unlimited  files"), None);
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 9";
        assert_eq!(cpu_ticks(stat), Some(300));
        for text in ["", ")", "VmRSS: many kB"] {
            assert_eq!((resident_bytes(text), cpu_ticks(text)), (None, None), "{text:?}");
        }
    }
}
