//! The events that a policy needs, and where they must go.

use serde_json::{Value, json};

/// An event that must reach the controller.
#[derive(Clone, Debug)]
pub(super) struct Need {
    /// The check that it belongs to.
    pub(super) check: &'static str,
    /// What the event is about.
    pub(super) subject: String,
    /// The event, without where it happens.
    pub(super) event: Value,
    /// Which of the controller's functions must be told.
    pub(super) hears: &'static str,
    /// The template's parameter that has to cover the subject.
    pub(super) parameter: &'static str,
    /// How else it comes than by a rule.
    pub(super) otherwise: Otherwise,
}

/// How an event comes without a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// It does not.
    No,
    /// A topic is told. Who hears of that is not known.
    Topic,
    /// The function is told.
    Function,
}

/// What a policy needs.
#[derive(Debug, Default)]
pub(super) struct Needs(pub(super) Vec<Need>);

impl Need {
    /// What somebody must be told of, in a word.
    pub(super) fn it(&self) -> String {
        let state = self.event.pointer("/detail/state/value");
        let state = state.and_then(Value::as_str);
        state.map_or_else(|| "it".to_owned(), |state| format!("its {state}"))
    }
}

impl Needs {
    fn add(&mut self, need: Need) {
        self.0.push(need);
    }

    /// The states of an alarm, of which `OK` takes a cause back, and how else each comes.
    pub(super) fn alarm(&mut self, name: &str, arn: &str, otherwise: [Otherwise; 2]) {
        for (state, otherwise) in ["ALARM", "OK"].into_iter().zip(otherwise) {
            self.add(Need {
                check: "alarm-rule",
                subject: name.to_owned(),
                event: json!({
                    "source": "aws.cloudwatch",
                    "detail-type": "CloudWatch Alarm State Change",
                    "resources": [arn],
                    "detail": {"alarmName": name, "state": {"value": state}},
                }),
                hears: "drift-alarm",
                parameter: "AlarmNames",
                otherwise,
            });
        }
    }

    /// New objects of a bucket: data, or what completes it.
    pub(super) fn object(&mut self, of: &str, bucket: &str, key: &str) {
        self.add(Need {
            check: "data-rule",
            subject: of.to_owned(),
            event: json!({
                "source": "aws.s3",
                "detail-type": "Object Created",
                "resources": [format!("arn:aws:s3:::{bucket}")],
                "detail": {
                    "version": "0",
                    "bucket": {"name": bucket},
                    "object": {"key": key, "size": 1},
                    "reason": "PutObject",
                },
            }),
            hears: "data-arrival",
            parameter: "DataBucketNames and DataKeys",
            otherwise: Otherwise::No,
        });
    }

    /// The end of an execution of a SageMaker pipeline.
    pub(super) fn execution(&mut self, pipeline: &str, arn: &str) {
        self.add(Need {
            check: "execution-rule",
            subject: pipeline.to_owned(),
            event: json!({
                "source": "aws.sagemaker",
                "detail-type": "SageMaker Model Building Pipeline Execution Status Change",
                "resources": [arn, format!("{arn}/execution/doctor")],
                "detail": {
                    "pipelineArn": arn,
                    "pipelineExecutionArn": format!("{arn}/execution/doctor"),
                    "currentPipelineExecutionStatus": "Succeeded",
                    "previousPipelineExecutionStatus": "Executing",
                },
            }),
            hears: "execution-status",
            parameter: "PipelineNames",
            otherwise: Otherwise::No,
        });
    }

    /// The end of an execution of a CodePipeline pipeline.
    pub(super) fn release(&mut self, pipeline: &str, arn: &str) {
        self.add(Need {
            check: "execution-rule",
            subject: pipeline.to_owned(),
            event: json!({
                "source": "aws.codepipeline",
                "detail-type": "CodePipeline Pipeline Execution State Change",
                "resources": [arn],
                "detail": {"pipeline": pipeline, "state": "SUCCEEDED", "version": 1},
            }),
            hears: "execution-status",
            parameter: "CodePipelineNames",
            otherwise: Otherwise::No,
        });
    }

    /// A new package of a group.
    pub(super) fn package(&mut self, group: &str, group_arn: &str) {
        let package = group_arn.replacen(":model-package-group/", ":model-package/", 1);
        let package = format!("{package}/1");
        self.add(Need {
            check: "package-rule",
            subject: group.to_owned(),
            event: json!({
                "source": "aws.sagemaker",
                "detail-type": "SageMaker Model Package State Change",
                "resources": [package],
                "detail": {
                    "ModelPackageGroupName": group,
                    "ModelPackageArn": package,
                    "ModelPackageStatus": "Completed",
                    "ModelApprovalStatus": "PendingManualApproval",
                },
            }),
            hears: "model-approval",
            parameter: "ModelPackageGroupNames",
            otherwise: Otherwise::No,
        });
    }

    /// The rollback of an endpoint.
    pub(super) fn endpoint(&mut self, endpoint: &str) {
        self.add(Need {
            check: "endpoint-rule",
            subject: endpoint.to_owned(),
            event: json!({
                "source": "aws.sagemaker",
                "detail-type": "SageMaker Endpoint State Change",
                "resources": [format!("endpoint/{endpoint}")],
                "detail": {"EndpointName": endpoint, "EndpointStatus": "ROLLING_BACK"},
            }),
            hears: "model-approval",
            parameter: "EndpointNames",
            otherwise: Otherwise::No,
        });
    }
}
