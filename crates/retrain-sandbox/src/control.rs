//! Control of a running sandbox over HTTP, below `/_sandbox/`.

use hyper::body::Bytes;
use hyper::{Method, StatusCode};
use jiff::{Span, SpanRelativeTo, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::{Answer, ServiceError};
use crate::cloudwatch::{Alarm, StateValue};
use crate::s3::{Event, SeedBucket};
use crate::sagemaker::{ApprovalStatus, ExecutionStatus, PackageEvent};
use crate::seed::{Seed, SeedPackage};
use crate::{
    CallLog, CloudWatch, CodePipeline, EventBridge, Fault, FaultKind, Faults, Lambda, S3,
    SageMaker, Service, Sqs, Ssm, Verdict, VirtualClock, codepipeline,
};

/// The handles of a sandbox.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) clock: VirtualClock,
    pub(crate) faults: Faults,
    pub(crate) calls: CallLog,
    pub(crate) cloudwatch: CloudWatch,
    pub(crate) codepipeline: CodePipeline,
    pub(crate) eventbridge: EventBridge,
    pub(crate) lambda: Lambda,
    pub(crate) s3: S3,
    pub(crate) sagemaker: SageMaker,
    pub(crate) sqs: Sqs,
    pub(crate) ssm: Ssm,
}

type Done = Result<Value, ServiceError>;

impl Control {
    pub(crate) fn answer(&self, method: &Method, path: &str, body: &Bytes) -> Answer {
        Answer::json(self.perform(method, path, body), "application/json")
    }

    fn perform(&self, method: &Method, path: &str, body: &Bytes) -> Done {
        match (method.as_str(), path) {
            ("GET", "/calls") => Ok(json!({"calls": self.calls.all()})),
            ("POST", "/calls/reset") => Ok(json!({"calls": self.calls.take()})),
            ("GET", "/executions") => Ok(json!({"executions": self.sagemaker.executions()})),
            ("POST", "/executions/start") => self.start(&read(body)?),
            ("POST", "/executions/finish") => self.finish(&read(body)?),
            ("GET", "/codepipeline/executions") => {
                Ok(json!({"executions": self.codepipeline.executions()}))
            }
            ("POST", "/codepipeline/executions/start") => self.start_code(&read(body)?),
            ("POST", "/codepipeline/executions/pass") => self.pass_code_stage(&read(body)?),
            ("POST", "/codepipeline/executions/finish") => self.finish_code(&read(body)?),
            ("GET", "/packages") => Ok(json!({"modelPackages": self.sagemaker.packages()})),
            ("POST", "/packages") => self.register(&read(body)?),
            ("POST", "/packages/edit") => self.edit_package(&read(body)?),
            ("POST", "/packages/approval") => self.approve(&read(body)?),
            ("GET", "/alarms") => Ok(json!({"alarms": self.cloudwatch.alarms()})),
            ("POST", "/alarms") => self.put_alarm(read(body)?),
            ("POST", "/alarms/state") => self.set_alarm_state(&read(body)?),
            ("POST", "/buckets") => self.create_bucket(&read(body)?),
            ("POST", "/events/reset") => Ok(self.take_events()),
            ("GET", "" | "/" | "/clock") => Ok(self.time()),
            ("POST", "/clock") => self.move_clock(&read(body)?),
            ("GET", "/faults") => Ok(self.list_faults()),
            ("POST", "/faults") => self.inject(read(body)?),
            ("POST", "/faults/release") => self.settle(&read(body)?, Verdict::Release),
            ("POST", "/faults/discard") => self.settle(&read(body)?, Verdict::Discard),
            ("POST", "/faults/clear") => {
                self.faults.clear();
                Ok(self.list_faults())
            }
            ("POST", "/seed") => self.seed(&read(body)?),
            _ => Err(ServiceError::with_status(
                StatusCode::NOT_FOUND,
                "NotFound",
                format!("there is no {method} /_sandbox{path}"),
            )),
        }
    }

    fn time(&self) -> Value {
        json!({"now": self.clock.now()})
    }

    fn move_clock(&self, request: &ClockRequest) -> Done {
        match request {
            ClockRequest::Set(time) => self.clock.set(*time),
            ClockRequest::Advance(by) => {
                let elapsed = by
                    .parse::<Span>()
                    .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
                    .map_err(|error| ServiceError::validation(error.to_string()))?;
                self.clock.advance(elapsed);
            }
        }
        Ok(self.time())
    }

    fn start(&self, request: &StartRequest) -> Done {
        self.sagemaker
            .start_by_hand(&request.pipeline, &request.display_name)
            .map(|arn| json!({"arn": arn}))
            .map_err(|error| bad(&error))
    }

    fn finish(&self, request: &FinishRequest) -> Done {
        let reason = request.failure_reason.as_deref();
        self.sagemaker
            .finish(&request.arn, request.status, reason)
            .map(|()| json!({}))
            .map_err(|error| bad(&error))
    }

    fn start_code(&self, request: &CodeStartRequest) -> Done {
        self.codepipeline
            .start_by_hand(&request.pipeline)
            .map(|id| json!({"id": id}))
            .map_err(|error| bad(&error))
    }

    fn pass_code_stage(&self, request: &CodePassRequest) -> Done {
        self.codepipeline
            .pass_stage(&request.id)
            .map(|()| json!({}))
            .map_err(|error| bad(&error))
    }

    fn finish_code(&self, request: &CodeFinishRequest) -> Done {
        let summary = request.status_summary.as_deref();
        self.codepipeline
            .finish(&request.id, request.status, summary)
            .map(|()| json!({}))
            .map_err(|error| bad(&error))
    }

    fn put_alarm(&self, alarm: Alarm) -> Done {
        self.cloudwatch
            .put_alarm(alarm)
            .map(|arn| json!({"arn": arn}))
            .map_err(|error| bad(&error))
    }

    fn set_alarm_state(&self, request: &AlarmStateRequest) -> Done {
        self.cloudwatch
            .set_state(&request.name, request.state)
            .map(|()| json!({}))
            .map_err(|error| bad(&error))
    }

    fn create_bucket(&self, bucket: &SeedBucket) -> Done {
        bucket
            .plant(&self.s3)
            .map(|()| json!({}))
            .map_err(|error| bad(&error))
    }

    fn take_events(&self) -> Value {
        let (objects, packages) = (self.s3.events(), self.sagemaker.package_events());
        let events = objects.iter().map(Event::eventbridge);
        let events = events.chain(packages.iter().map(PackageEvent::eventbridge));
        json!({"events": events.collect::<Vec<_>>()})
    }

    fn register(&self, package: &SeedPackage) -> Done {
        package
            .plant(&self.sagemaker)
            .map(|arn| json!({"arn": arn}))
            .map_err(|error| bad(&error))
    }

    fn edit_package(&self, request: &EditRequest) -> Done {
        self.sagemaker
            .edit_package(&request.arn, &request.edit)
            .map(|()| json!({}))
            .map_err(|error| bad(&error))
    }

    fn approve(&self, request: &ApprovalRequest) -> Done {
        self.sagemaker
            .set_approval(&request.arn, request.status)
            .map(|()| json!({}))
            .map_err(|error| bad(&error))
    }

    fn inject(&self, request: FaultRequest) -> Done {
        let fault = Fault {
            service: request.service,
            operation: request.operation,
            skip: request.skip,
            times: request.times,
            kind: match request.kind {
                FaultName::Throttle => FaultKind::Throttle,
                FaultName::ServerError => FaultKind::ServerError,
                FaultName::Unavailable => FaultKind::Unavailable,
                FaultName::ServerErrorAfter => FaultKind::ServerErrorAfter,
                FaultName::DropBefore => FaultKind::DropBefore,
                FaultName::DropAfter => FaultKind::DropAfter,
                FaultName::HoldBefore => FaultKind::HoldBefore,
                FaultName::HoldAfter => FaultKind::HoldAfter,
                FaultName::TransactionConflict => FaultKind::TransactionConflict,
                FaultName::Refuse => FaultKind::Refuse {
                    code: request
                        .code
                        .ok_or_else(|| ServiceError::validation("refuse needs a code"))?,
                    message: request.message.unwrap_or_default(),
                },
            },
        };
        Ok(json!({"number": self.faults.inject(fault).number()}))
    }

    fn list_faults(&self) -> Value {
        let faults: Vec<Value> = self
            .faults
            .all()
            .iter()
            .map(|handle| {
                json!({
                    "number": handle.number(),
                    "service": handle.fault().service,
                    "operation": handle.fault().operation,
                    "kind": format!("{:?}", handle.fault().kind),
                    "fired": handle.fired(),
                })
            })
            .collect();
        json!({"faults": faults})
    }

    fn settle(&self, request: &NumberRequest, verdict: Verdict) -> Done {
        let fault = self
            .faults
            .all()
            .into_iter()
            .find(|handle| handle.number() == request.number)
            .ok_or_else(|| {
                ServiceError::validation(format!("there is no fault {}", request.number))
            })?;
        fault.settle(verdict);
        Ok(json!({}))
    }

    pub(crate) fn seed(&self, seed: &Seed) -> Done {
        seed.plant(self)
            .map(|()| json!({}))
            .map_err(|error| bad(&error))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum ClockRequest {
    /// A duration such as `6h`, `90m` or `2d`.
    Advance(String),
    Set(Timestamp),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StartRequest {
    pipeline: String,
    #[serde(default)]
    display_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FinishRequest {
    arn: String,
    status: ExecutionStatus,
    failure_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeStartRequest {
    pipeline: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodePassRequest {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CodeFinishRequest {
    id: String,
    status: codepipeline::ExecutionStatus,
    status_summary: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ApprovalRequest {
    arn: String,
    status: ApprovalStatus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditRequest {
    arn: String,
    /// Members of `UpdateModelPackage`.
    edit: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlarmStateRequest {
    name: String,
    state: StateValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberRequest {
    number: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FaultRequest {
    service: Service,
    operation: Option<String>,
    #[serde(default)]
    skip: u64,
    #[serde(default = "once")]
    times: u64,
    kind: FaultName,
    code: Option<String>,
    message: Option<String>,
}

const fn once() -> u64 {
    1
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum FaultName {
    Throttle,
    ServerError,
    Unavailable,
    ServerErrorAfter,
    DropBefore,
    DropAfter,
    Refuse,
    HoldBefore,
    HoldAfter,
    TransactionConflict,
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, ServiceError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        ServiceError::validation(format!("at {}: {}", error.path(), error.inner()))
    })
}

/// An error with its causes, in one line.
fn bad(error: &dyn std::error::Error) -> ServiceError {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    ServiceError::validation(message)
}
