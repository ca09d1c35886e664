//! What the tests have in common.

use std::sync::Arc;

use drift_alarm::Handler;
use jiff::{SignedDuration, Timestamp};
use retrain_aws::Answer;
use retrain_core::decision::Decision;
use retrain_core::event::Event;
use retrain_core::slot::{Phase, Slot};
use retrain_lambda::Failure;
use retrain_local::{Deployment, Sample, sample};
use retrain_sandbox::sagemaker::ExecutionStatus as Status;
use retrain_sandbox::{Fault, FaultHandle, FaultKind, Options, Service};
use serde_json::Value;
use tokio::task::JoinHandle;

/// A deployment with one warm or cold drift-alarm function.
pub(crate) struct Bench {
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) function: Arc<Handler>,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::of(Deployment::start(Options::default()).await.unwrap())
    }

    pub(crate) fn of(deployment: Deployment) -> Self {
        Self {
            function: Arc::new(deployment.drift_alarm()),
            deployment: Arc::new(deployment),
        }
    }

    pub(crate) async fn deliver(&self, event: &Value) -> Result<Vec<Answer>, Failure> {
        let clock = self.deployment.clock();
        Box::pin(self.function.handle_at(event, &clock)).await
    }

    /// Delivers an event to a worker of its own, which can be frozen or killed.
    pub(crate) fn deliver_elsewhere(
        &self,
        event: &Sample,
    ) -> JoinHandle<Result<Vec<Answer>, Failure>> {
        let (function, clock) = (Arc::clone(&self.function), self.deployment.clock());
        let event = event.clone();
        tokio::spawn(async move { Box::pin(function.handle_at(event.event(), &clock)).await })
    }

    /// The outcome of an event that holds one message for one model.
    pub(crate) async fn outcome(&self, sample: &Sample) -> String {
        let answers = self.deliver(sample.event()).await.unwrap();
        let [answer] = answers.as_slice() else {
            panic!("{answers:?}")
        };
        answer.outcome.clone()
    }

    /// The next call of the operation meets this fault.
    pub(crate) fn fail(&self, service: Service, operation: &str, kind: FaultKind) -> FaultHandle {
        self.inject(Fault::on(service, operation, kind))
    }

    pub(crate) fn inject(&self, fault: Fault) -> FaultHandle {
        self.deployment.sandbox.faults().inject(fault)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.deployment.sandbox.clock().now()
    }

    pub(crate) fn wait(&self, time: SignedDuration) {
        self.deployment.sandbox.clock().advance(time);
    }

    /// Longer than any lease and its settling.
    pub(crate) fn outwait_leases(&self) {
        self.wait(SignedDuration::from_mins(5));
    }

    /// The data-quality alarm, entering ALARM now.
    pub(crate) fn alarm(&self) -> Sample {
        sample("drift-alarm/alarm").unwrap().at(self.now())
    }

    /// Another alarm of the model, entering ALARM now.
    pub(crate) fn other_alarm(&self, name: &str) -> Sample {
        self.alarm().of_alarm(&format!("fraud-detection-{name}"))
    }

    /// The data-quality alarm, returning to OK now.
    pub(crate) fn ok(&self) -> Sample {
        sample("drift-alarm/ok").unwrap().at(self.now())
    }

    pub(crate) fn executions(&self) -> Vec<retrain_sandbox::sagemaker::Execution> {
        self.deployment.sandbox.sagemaker().executions()
    }

    pub(crate) fn count(&self, service: Service, operation: &str) -> usize {
        self.deployment.sandbox.calls().count(service, operation)
    }

    pub(crate) async fn slot(&self) -> Slot {
        use retrain_controller::{SlotStore as _, Wanted};
        let key = self.deployment.slot().unwrap();
        self.deployment
            .store()
            .load(Wanted::slot(&key), self.now())
            .await
            .unwrap()
            .slot
    }

    pub(crate) async fn decisions(&self) -> Vec<Decision> {
        let key = self.deployment.slot().unwrap();
        let mut decisions = self
            .deployment
            .store()
            .decisions(&key, 1_000)
            .await
            .unwrap();
        decisions.reverse();
        decisions
    }

    /// Time passes for the model, as the reconciler lets it.
    pub(crate) async fn tick(&self) -> Answer {
        self.deployment.happens(&Event::Tick).await.unwrap()
    }

    /// One run of the reconciler: the outcomes of what was due.
    pub(crate) async fn reconcile(&self) -> Vec<String> {
        let reconciler = self.deployment.reconciler();
        let clock = self.deployment.clock();
        let summary = Box::pin(reconciler.run(&clock)).await.unwrap();
        assert_eq!(summary.left, 0);
        summary
            .answers
            .into_iter()
            .map(|answer| answer.outcome)
            .collect()
    }

    /// The newest execution ends; nobody is told.
    pub(crate) fn end(&self, status: Status) -> String {
        let execution = self.executions().pop().unwrap();
        let failure = (status == Status::Failed).then_some("the step Train failed");
        let sagemaker = self.deployment.sandbox.sagemaker();
        sagemaker.finish(&execution.arn, status, failure).unwrap();
        execution.arn
    }

    /// SageMaker tells about an execution.
    pub(crate) async fn tell(&self, execution: &str) -> Answer {
        let event = sample("execution-status/succeeded")
            .unwrap()
            .of_execution(execution);
        let function = self.deployment.execution_status();
        let clock = self.deployment.clock();
        Box::pin(function.handle_at(event.event(), &clock))
            .await
            .unwrap()
    }

    /// The newest execution succeeds, and the controller is told.
    pub(crate) async fn succeed(&self) {
        let execution = self.end(Status::Succeeded);
        self.tell(&execution).await;
    }

    /// One execution, started by the claim that the slot runs, and nothing else.
    pub(crate) async fn assert_one_execution_of_the_claim(&self) {
        let executions = self.executions();
        assert_eq!(executions.len(), 1, "{executions:?}");
        let slot = self.slot().await;
        let Phase::Running(run) = &slot.phase else {
            panic!("not running: {slot:?}")
        };
        assert_eq!(run.execution.to_string(), executions[0].arn);
        assert_eq!(
            run.claim.token.as_str(),
            executions[0].token.as_deref().unwrap()
        );
        for (name, value) in &run.claim.parameters {
            assert_eq!(
                executions[0].parameters.get(name.as_str()),
                Some(value),
                "{name}"
            );
        }
    }
}
