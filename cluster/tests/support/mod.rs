//! What the tests of a cluster share.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use signalbox_cluster::Cluster;

/// Names the data directory in the process that is to be killed.
pub const HOLD: &str = "SIGNALBOX_TEST_HOLD";
const READY: &str = "the cluster is held";

/// A data directory of its own, gone afterwards. In /tmp, which every user can enter.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = Path::new("/tmp").join(format!("signalbox-test-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap()
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The process id in the server's pid file.
    pub fn postmaster_pid(&self) -> Option<i32> {
        let text = std::fs::read_to_string(self.0.join("postgres/postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A test that failed must not leave a server behind.
        if let Some(pid) = self.postmaster_pid()
            && std::thread::panicking()
        {
            kill9(pid);
        }
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A file system of a few MiB in memory.
pub struct SmallDisk(Scratch);

impl SmallDisk {
    pub fn mount(name: &str) -> Option<Self> {
        Self::mount_mib(name, 8)
    }

    /// `None` if we may not mount.
    pub fn mount_mib(name: &str, mib: u32) -> Option<Self> {
        if !is_root() || !cfg!(target_os = "linux") {
            return None;
        }
        let scratch = Scratch::new(name);
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m,mode=0755"), "tmpfs"])
            .arg(scratch.path())
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|s| s.success()).then_some(Self(scratch))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn fill(&self) {
        let mut file = std::fs::File::create(self.path().join("filling")).unwrap();
        for size in [64 * 1024, 512, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    pub fn empty(&self) {
        std::fs::remove_file(self.path().join("filling")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

pub fn kill9(pid: i32) {
    use nix::{sys::signal, unistd::Pid};
    let _ = signal::kill(Pid::from_raw(pid), signal::Signal::SIGKILL);
}

/// Runs SQL through psql over the cluster's URL; the answer without decoration.
pub fn sql(cluster: &Cluster, sql: &str) -> Result<String, String> {
    let output = psql(cluster).args(["-c", sql]).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A session that stays open, and has answered once.
pub fn open_session(cluster: &Cluster) -> Child {
    let mut child = psql(cluster)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdin = child.stdin.as_mut().unwrap();
    stdin.write_all(b"select 'open';\n").unwrap();
    wait_for_line(&mut child, "open");
    child
}

fn psql(cluster: &Cluster) -> Command {
    let mut psql = Command::new("psql");
    psql.args(["-qXtA", "-v", "ON_ERROR_STOP=1", "-d"]).arg(cluster.url("postgres"));
    psql
}

/// A process that holds a cluster: this test binary again, told to run `holds_a_cluster_until_killed`.
pub fn spawn_holder(data_dir: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_a_cluster_until_killed", "--ignored", "--nocapture"])
        .env(HOLD, data_dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_line(&mut child, READY);
    child
}

/// Said by the holder when its cluster answers.
pub fn say_ready() {
    let mut out = std::io::stdout();
    writeln!(out, "\n{READY}").unwrap();
    out.flush().unwrap();
}

/// A process that has nothing to do with PostgreSQL, of the user that the server runs as.
pub fn sleeper() -> Child {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new("sleep");
    command.arg("600");
    if let (true, Ok(Some(user))) = (is_root(), nix::unistd::User::from_name("postgres")) {
        command.uid(user.uid.as_raw());
    }
    command.spawn().unwrap()
}

fn wait_for_line(child: &mut Child, expected: &str) {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let found = lines.map_while(Result::ok).any(|line| line.trim() == expected);
    assert!(found, "it ended without saying {expected:?}");
}
