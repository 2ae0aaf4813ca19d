//! How much memory this process uses, as Linux tells it.

/// Memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Held by this process.
    pub used: u64,
    /// What there is: the container's bound, or the machine's memory.
    pub total: u64,
}

/// Reads it; `None` where the system does not tell.
pub fn memory() -> Option<Memory> {
    let used = kibibytes(&read("/proc/self/status")?, "VmRSS:")?;
    let machine = kibibytes(&read("/proc/meminfo")?, "MemTotal:")?;
    let bound = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    Some(Memory { used, total: bound.unwrap_or(machine).min(machine) })
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// The field `name` of a file whose lines are `name   123 kB`, in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(rest.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_bytes() {
        let text = "VmPeak:\t  900 kB\nVmRSS:\t  512 kB\n";
        assert_eq!(kibibytes(text, "VmRSS:"), Some(512 * 1024));
        assert_eq!(kibibytes(text, "VmSwap:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_uses_less_than_there_is() {
        let memory = memory().unwrap();
        assert!(memory.used > 1024 * 1024 && memory.used < memory.total, "{memory:?}");
    }
}
