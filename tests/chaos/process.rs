//! A function's process: it handles one event after the other, dies, or is frozen.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use data_arrival::Reply;
use jiff::SignedDuration;
use retrain_aws::Answer;
use retrain_lambda::Failure;
use retrain_local::Deployment;
use serde_json::Value;

use super::line::{LateCall, Line, Misfortune, Stop};
use crate::clock::SkewedClock;
use crate::data::returned;

/// How long Lambda lets an invocation last.
const FUNCTION_TIMEOUT: SignedDuration = SignedDuration::from_secs(30);

/// Which function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Function {
    DriftAlarm,
    DataArrival,
    ExecutionStatus,
    ModelApproval,
    Reconciler,
}

impl Function {
    /// Whether its process may be frozen for longer than an invocation lasts. Whoever
    /// describes an execution or a package ends within the function's time.
    pub(crate) const fn may_freeze_for_long(self) -> bool {
        matches!(self, Self::DriftAlarm | Self::DataArrival)
    }
}

#[derive(Clone)]
enum Handler {
    DriftAlarm(Arc<drift_alarm::Handler>),
    DataArrival(Arc<data_arrival::Handler>),
    ExecutionStatus(Arc<execution_status::Handler>),
    ModelApproval(Arc<model_approval::Handler>),
    Reconciler(Arc<reconciler::Handler>),
}

/// What a function has answered.
#[derive(Clone, Debug)]
pub(crate) enum Answered {
    /// The outcomes, one for each thing and model that the event was about.
    Outcomes(Vec<String>),
    /// The places of the messages that a batch returns.
    Returned(BTreeSet<usize>),
}

/// How an invocation ends, or that it does not yet.
pub(crate) enum End {
    Answered(Answered),
    Failed(Failure),
    Died {
        timed_out: bool,
    },
    Frozen {
        invocation: Invocation,
        seconds: i64,
    },
}

type Running = Pin<Box<dyn Future<Output = Result<Answered, Failure>> + Send>>;

/// An invocation under way.
pub(crate) struct Invocation {
    running: Running,
    line: Arc<Line>,
}

impl Invocation {
    /// It goes on until it ends or stops.
    pub(crate) async fn go_on(mut self) -> End {
        let running = &mut self.running;
        let line = &self.line;
        let ended = poll_fn(|context| match running.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Ok(result)),
            Poll::Pending => line
                .stopped()
                .map_or(Poll::Pending, |stop| Poll::Ready(Err(stop))),
        })
        .await;
        match ended {
            Ok(Ok(answered)) => End::Answered(answered),
            Ok(Err(failure)) => End::Failed(failure),
            Err(Stop::Dead { timed_out }) => End::Died { timed_out },
            Err(Stop::Frozen(seconds)) => End::Frozen {
                invocation: self,
                seconds,
            },
        }
    }

    /// It goes on; for as long as it likes, if Lambda has ended it without its knowledge.
    pub(crate) async fn thaw(self, is_over: bool) -> End {
        self.line.thaw(is_over);
        self.go_on().await
    }
}

/// A process.
pub(crate) struct Process {
    handler: Handler,
    line: Arc<Line>,
    clock: SkewedClock,
}

impl Process {
    pub(crate) fn start(
        deployment: &Deployment,
        function: Function,
        skew: SignedDuration,
        wires: &SharedHttpClient,
        late: &Arc<Mutex<Vec<LateCall>>>,
    ) -> Self {
        let clock = deployment.sandbox.clock().clone();
        let line = Line::new(clock.clone(), wires.clone(), Arc::clone(late));
        let aws = deployment.aws().to_builder();
        let aws = aws.http_client(line.client()).build();
        let settings = deployment.settings();
        let handler = match function {
            Function::DriftAlarm => {
                Handler::DriftAlarm(Arc::new(drift_alarm::Handler::new(settings, &aws)))
            }
            Function::DataArrival => {
                Handler::DataArrival(Arc::new(data_arrival::Handler::new(settings, &aws)))
            }
            Function::ExecutionStatus => {
                Handler::ExecutionStatus(Arc::new(execution_status::Handler::new(settings, &aws)))
            }
            Function::ModelApproval => {
                Handler::ModelApproval(Arc::new(model_approval::Handler::new(settings, &aws)))
            }
            Function::Reconciler => {
                Handler::Reconciler(Arc::new(reconciler::Handler::new(settings, &aws)))
            }
        };
        Self {
            handler,
            line,
            clock: SkewedClock { clock, skew },
        }
    }

    /// Hands it an event, under this plan.
    pub(crate) async fn invoke(
        &self,
        event: Value,
        misfortunes: BTreeMap<usize, Misfortune>,
        pace: u64,
    ) -> End {
        let deadline = self.clock.clock.now() + FUNCTION_TIMEOUT;
        self.line.plan(misfortunes, pace, deadline);
        let running = handle(self.handler.clone(), event, self.clock.clone());
        let invocation = Invocation {
            running: Box::pin(running),
            line: Arc::clone(&self.line),
        };
        invocation.go_on().await
    }
}

async fn handle(handler: Handler, event: Value, clock: SkewedClock) -> Result<Answered, Failure> {
    let outcomes = |answers: Vec<Answer>| {
        let outcomes = answers.into_iter().map(|answer| answer.outcome);
        Answered::Outcomes(outcomes.collect())
    };
    Ok(match handler {
        Handler::DriftAlarm(handler) => outcomes(handler.handle_at(&event, &clock).await?),
        Handler::DataArrival(handler) => {
            let reply: Reply = handler.handle_at(&event, &clock).await?;
            Answered::Returned(returned(&event, &reply))
        }
        Handler::ExecutionStatus(handler) => {
            outcomes(vec![handler.handle_at(&event, &clock).await?])
        }
        Handler::ModelApproval(handler) => outcomes(vec![handler.handle_at(&event, &clock).await?]),
        Handler::Reconciler(handler) => outcomes(handler.handle_at(&event, &clock).await?.answers),
    })
}
