//! A function in AWS's Lambda Runtime Interface Emulator.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::template::Function;

/// No answer takes longer, however slow the machine is.
const PATIENCE: Duration = Duration::from_mins(1);

/// The emulator with one function. It takes one event at a time, and ends with this value.
#[derive(Debug)]
pub(crate) struct Lambda {
    emulator: Child,
    address: SocketAddr,
    output: PathBuf,
}

/// What came of an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// What the function answered.
    Answer(Value),
    /// The type and the message of its error.
    Error(String, String),
    /// The function had no time left.
    TimedOut,
    /// Its process has ended; what Lambda calls this.
    Exited(String),
}

impl Reply {
    fn read(status: &str, body: &str) -> Self {
        let value: Value = serde_json::from_str(body).unwrap_or_default();
        let error = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        match (status, value.get("errorType")) {
            ("200", Some(_)) => Self::Error(error("errorType"), error("errorMessage")),
            ("200", None) if body.contains("Task timed out") => Self::TimedOut,
            ("200", None) => Self::Answer(value),
            _ => Self::Exited(error("errorType")),
        }
    }
}

impl Lambda {
    /// Starts the emulator. The function's process starts with the first event.
    pub(crate) fn start(function: &Function, binary: &Path, aws: &str) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        // An address of its own, whose ports nobody else takes.
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let [.., turn] = number.to_be_bytes();
        let host = Ipv4Addr::new(127, 64 | (high >> 2), low, turn.max(1));
        let [address, api] = free_ports(host);
        let output =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("lambda-{low}-{turn}.log"));
        let log = File::create(&output).unwrap();
        let mut emulator = Command::new(emulator_program())
            .args(["--log-level", "info"])
            .arg("--runtime-interface-emulator-address")
            .arg(address.to_string())
            .arg("--runtime-api-address")
            .arg(api.to_string())
            .arg(binary)
            .env_clear()
            .envs(&function.environment)
            .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
            .env(
                "AWS_LAMBDA_FUNCTION_TIMEOUT",
                function.timeout_seconds.to_string(),
            )
            .env(
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                function.memory_mib.to_string(),
            )
            .env("AWS_ENDPOINT_URL", aws)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "sandbox")
            .env("AWS_SECRET_ACCESS_KEY", "sandbox")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert_eq!(emulator.try_wait().unwrap(), None, "the emulator has ended");
            assert!(began.elapsed() < PATIENCE, "the emulator does not listen");
            std::thread::yield_now();
        }
        Self {
            emulator,
            address,
            output,
        }
    }

    /// Sends an event and waits for what comes of it.
    pub(crate) fn invoke(&self, event: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // In the older HTTP an answer ends with its connection.
        let head = format!(
            "POST /2015-03-31/functions/function/invocations HTTP/1.0\r\n\
             Content-Length: {}\r\n\r\n",
            event.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(event).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap();
        Reply::read(status, body)
    }

    /// What the function has logged, and the emulator about it.
    pub(crate) fn output(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.output).unwrap()).into_owned()
    }

    /// How long the function's init phase took, in milliseconds.
    pub(crate) fn init_ms(&self) -> Option<f64> {
        let output = self.output();
        let (_, rest) = output.split_once("INIT REPORT(durationMs: ")?;
        rest.split_once(')')?.0.parse().ok()
    }

    /// The most memory that the function's process has had at once, in KiB.
    pub(crate) fn peak_kib(&self) -> Option<u64> {
        let process = *self.processes().first()?;
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// Kills the function's process, as Lambda may do at any moment.
    pub(crate) fn crash(&self) {
        for process in self.processes() {
            kill(process);
        }
    }

    fn processes(&self) -> Vec<u32> {
        let tasks = format!("/proc/{}/task", self.emulator.id());
        let tasks = fs::read_dir(tasks).into_iter().flatten().flatten();
        let children =
            tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        children
            .flat_map(|text| {
                let found: Vec<u32> = text.split_whitespace().flat_map(str::parse).collect();
                found
            })
            .collect()
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.crash();
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
    }
}

fn kill(process: u32) {
    let killed = Command::new("kill")
        .args(["-KILL", &process.to_string()])
        .status();
    assert!(killed.is_ok_and(|status| status.success()), "{process}");
}

fn free_ports(host: Ipv4Addr) -> [SocketAddr; 2] {
    let listeners = [0, 1].map(|_| TcpListener::bind((host, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap())
}

fn emulator_program() -> PathBuf {
    workspace().join("target/tools/aws-lambda-rie")
}

pub(super) fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// Whether there is an emulator; it is fetched first. Says aloud that tests are skipped.
pub(crate) fn emulator_is_there() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let fetched = Command::new("sh")
            .arg("scripts/emulator.sh")
            .current_dir(workspace())
            .status()
            .unwrap();
        assert!(matches!(fetched.code(), Some(0 | 75)), "{fetched}");
        if !fetched.success() {
            say("emulator: SKIPPED, no function has run under Lambda's emulator");
        }
        fetched.success()
    })
}

/// Says something that a passing test's output would swallow.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
