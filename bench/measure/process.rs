//! A function's process under the emulator, and what it tells of itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use crate::lambda::{Lambda, Reply};
use crate::template::Function;

/// A process that handles events. It ends with this value.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) lambda: Arc<Lambda>,
}

/// What came of an event.
pub(crate) struct Told {
    pub(crate) reply: Reply,
    /// As the sender sees it.
    pub(crate) took_ms: f64,
}

impl Process {
    /// Starts the emulator of a function, whose clients find AWS by these variables.
    pub(crate) fn start(
        function: &Function,
        program: &Path,
        aws: BTreeMap<String, String>,
    ) -> Self {
        let mut function = function.clone();
        function.environment.extend(aws);
        // Every service has its own address, so this is never used.
        let nowhere = "http://127.0.0.1:9";
        Self {
            lambda: Arc::new(Lambda::start(&function, program, nowhere)),
        }
    }

    pub(crate) async fn tell(&self, event: &Value) -> Told {
        let (lambda, event) = (Arc::clone(&self.lambda), event.to_string().into_bytes());
        let told = tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let reply = lambda.invoke(&event);
            let took_ms = began.elapsed().as_secs_f64() * 1_000.0;
            Told { reply, took_ms }
        });
        told.await.unwrap()
    }

    /// How long each event took, as the emulator tells it: what Lambda would bill, but for the
    /// first one's init.
    pub(crate) fn durations_ms(&self) -> impl Iterator<Item = f64> {
        let output = self.lambda.output();
        let reports = output.split("INVOKE RTDONE(").skip(1).filter_map(|report| {
            let (_, rest) = report.split_once("duration: ")?;
            rest.split_once("ms")?.0.parse().ok()
        });
        reports.collect::<Vec<f64>>().into_iter()
    }

    /// The most memory that the process has had at once.
    pub(crate) fn peak_kib(&self) -> f64 {
        let peak = self.lambda.peak_kib().unwrap_or_default();
        f64::from(u32::try_from(peak).unwrap())
    }
}
